"""Health that lies, builds that break, things changed by hand: who is live afterwards, and what the screen says."""

from __future__ import annotations

import json
import signal
import time

import pytest

WORKER = """
  worker:
    build: .
    command: {command}
    restart: unless-stopped
    stop_grace_period: 2s
    healthcheck:
      test: ["CMD", "true"]
      interval: 1s
"""
RUNS = ["python3", "-c", "import signal, time; signal.signal(15, lambda *_: exit(0)); time.sleep(1e6)"]


def change_app(site, old: str, new: str) -> None:
    path = site.app / "app.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def with_worker(site, command: list[str]) -> None:
    path = site.app / "compose.yaml"
    path.write_text(
        path.read_text().split("\n  worker:")[0].rstrip() + "\n" + WORKER.format(command=json.dumps(command))
    )


def workers(site) -> list[str]:
    wanted = ("--filter", "label=switchyard.kind=handover", "--filter", f"label=switchyard.app={site.name}")
    return site.docker("ps", "--format", "{{.Names}}", *wanted).split()


def test_a_release_that_dies_at_its_first_public_request_is_taken_back(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    site.receipt("deploy")
    change_app(
        site,
        "parts = urlsplit(self.path)\n",
        "parts = urlsplit(self.path)\n"
        f"        if self.headers['Host'].endswith(':{site.port}'):\n            os._exit(9)\n",
    )
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 5 and "taken back" in done.stdout, done.stdout
    assert site.answer() == "1"


def test_a_slow_application_goes_live(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}}, healthy_within=60)
    change_app(site, "parts = urlsplit(self.path)\n", "parts = urlsplit(self.path)\n        time.sleep(3)\n")
    site.commit("1")
    site.receipt("deploy")
    assert site.answer() == "1"


def test_health_that_flaps_is_not_health(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    site.receipt("deploy")
    change_app(site, '500 if BREAK == "health" else 200', "200 if time.time() % 0.4 < 0.2 else 500")
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and "not healthy within 5 s" in done.stdout, done.stdout
    assert site.answer() == "1"


def test_a_worker_that_never_starts_takes_the_whole_release_back(site, under_load):
    with_worker(site, RUNS)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.commit("1")
    first = site.receipt("deploy")["release"]
    with_worker(site, ["sh", "-c", "echo no work for me; exit 4"])
    site.commit("2")
    load = under_load()
    done = site.inv("deploy")
    summary = load.stop()
    assert done.returncode == 5 and "no work for me" in done.stdout, done.stdout
    assert summary.failed == 0, summary.errors
    assert site.receipt("status")["hosts"][0]["live"]["release"] == first
    assert workers(site) == [f"{site.name}-blue-worker-1"]


def test_a_oneshot_that_fails_stops_the_release_before_the_switch(site):
    site.commit("1")
    site.receipt("deploy")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + "  migrate: {build: ., command: ['sh', '-c', 'echo half done; exit 7']}\n")
    site.settings(kinds={"migrate": "oneshot"})
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and "migrate ended with 7" in done.stdout and "half done" in done.stdout, done.stdout
    assert site.answer() == "1" and "running" not in site.containers("green").values()


@pytest.mark.parametrize(
    "line,named",
    [
        ("RUN echo the compiler is missing >&2; false", "the compiler is missing"),
        (
            "RUN p=$(python3 -c 'import site; print(site.getsitepackages()[0])')/b-1.0.dist-info && mkdir -p $p && "
            "printf 'Metadata-Version: 2.1\\nName: b\\nVersion: 1.0\\nRequires-Dist: not-there\\n' > $p/METADATA",
            "requires not-there",
        ),
    ],
)
def test_a_build_that_fails_or_has_broken_dependencies_changes_nothing(site, line, named):
    site.commit("1")
    site.receipt("deploy")
    dockerfile = site.app / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("USER nobody", f"{line}\nUSER nobody"))
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and named in done.stdout, done.stdout
    assert site.answer() == "1" and site.containers("green") == {}


def test_control_c_in_a_build_that_hangs_cancels_and_frees_the_lease(site):
    site.commit("1")
    site.receipt("deploy")
    dockerfile = site.app / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("USER nobody", "RUN sleep 600\nUSER nobody"))
    site.commit("2")
    with site.start("deploy", "--host", "prod") as process:
        while "sleep 600" not in site.run("ps", "-ef"):
            assert process.poll() is None, process.communicate()[0]
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "nothing live changed" in said, said
    assert time.monotonic() - began < 10
    dockerfile.write_text(dockerfile.read_text().replace("RUN sleep 600\n", ""))
    site.commit("3")
    site.receipt("deploy")
    assert site.answer() == "3"


def test_an_image_that_vanished_is_named_and_nothing_changes(site):
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.commit("2")
    site.receipt("deploy")
    site.docker("rm", "--force", *site.containers("blue"))
    site.docker("rmi", "--force", f"switchyard/{site.name}/web:{first}")
    done = site.inv("rollback")
    assert done.returncode == 4 and "images of web are gone" in done.stdout, done.stdout
    assert site.answer() == "2"


def test_a_torn_journal_and_what_was_deleted_by_hand_stop_no_deploy(site):
    root = f"/home/deploy/apps/{site.name}"
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.commit("2")
    second = site.receipt("deploy")["release"]
    site.run(
        "sh",
        "-c",
        f'printf \'{{"v": 1, "to\' >> {root}/journal.jsonl; rm {root}/current; rm -r {root}/releases/{first}',
    )
    history = site.inv("history")
    assert history.returncode == 0 and "is torn" in history.stdout, history.stdout
    gone = site.inv("rollback")
    assert gone.returncode == 4 and "nothing to go back to" in gone.stdout, gone.stdout
    site.commit("3")
    site.receipt("deploy")
    assert site.answer() == "3"
    assert second in site.receipt("rollback")["release"]


def test_the_live_release_s_folder_deleted_by_hand_still_serves_and_is_replaced(site):
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.run("rm", "-r", f"/home/deploy/apps/{site.name}/releases/{first}")
    assert site.answer() == "1"
    assert "Traceback" not in site.inv("status").stdout
    site.commit("2")
    site.receipt("deploy")
    assert site.answer() == "2"


def test_a_live_container_that_somebody_stopped_is_drift_and_the_next_release_goes_live(site):
    site.commit("1")
    site.receipt("deploy")
    site.docker("stop", *site.containers("blue"))
    status = site.inv("status")
    assert status.returncode == 7 and "is exited" in status.stdout, status.stdout
    site.commit("2")
    site.receipt("deploy")
    assert site.answer() == "2"


def test_a_changed_host_key_is_told_and_nothing_is_sent(site):
    site.commit("1")
    site.receipt("deploy")
    known = site.checkout / ".switchyard" / "known_hosts"
    where, kind, key = known.read_text().split()[:3]
    known.write_text(f"{where} {kind} {key[:-8]}{'A' * 8}\n")
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 3 and "host key changed" in done.stdout, done.stdout
    assert site.answer() == "1"


def test_what_a_container_wrote_as_root_into_its_release_does_not_stay(site):
    site.rewrite("    ports:\n", '    user: "0"\n    volumes: ["./state:/state"]\n    ports:\n')
    (site.app / "state").mkdir()
    (site.app / "state" / "file").write_text("tracked")
    change_app(site, "def main():\n", 'def main():\n    os.makedirs("/state/mine/deep", 0o700, exist_ok=True)\n')
    site.settings(writable=["./state"])
    first = site.commit("0")
    site.receipt("deploy")
    for number in range(1, 7):
        site.commit(str(number))
        site.receipt("deploy")
    kept = site.run("ls", f"/home/deploy/apps/{site.name}/releases").split()
    assert len(kept) == 5 and not [name for name in kept if name.endswith(first[:7])], kept


def test_a_rollback_beside_a_deploy_is_turned_away_and_a_living_owner_keeps_its_lease(site):
    site.commit("1")
    site.receipt("deploy")
    dockerfile = site.app / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("USER nobody", f"RUN sleep 8 # {site.name}\nUSER nobody"))
    site.commit("2")
    with site.start("deploy", "--host", "prod") as process:
        while "sleep 8" not in site.run("ps", "-ef"):
            assert process.poll() is None, process.communicate()[0]
        began = time.monotonic()
        away = site.inv("rollback")
        took = time.monotonic() - began
        kept = site.inv("unlock", "--reason", "to see whether it refuses")
        said, _ = process.communicate(timeout=120)
    assert away.returncode == 75 and "holds the lease: deploy since" in away.stdout, away.stdout
    assert took < 2
    assert kept.returncode == 4 and "is alive" in kept.stdout, kept.stdout
    assert process.returncode == 0, said
    assert site.answer() == "2"
