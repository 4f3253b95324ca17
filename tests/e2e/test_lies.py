"""Health that lies, builds that break, changes by hand: what is live afterwards, and what the screen says."""

from __future__ import annotations

import json
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from switchyard.core.edge import HEADER
from tests.harness import formats
from tests.harness.site import SECONDS

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


CACHE = """
  cache:
    image: redis:8
    volumes: ["kept:/data"]
    healthcheck: {{test: ["CMD", "redis-cli", "ping"], interval: 1s}}
  migrate:
    image: redis:8
    command: ["sh", "-c", "{script}"]
volumes:
  kept: {{}}
"""


def with_cache(site, script: str) -> None:
    """Add a shared service, and a oneshot that works on its data."""
    path = site.app / "compose.yaml"
    path.write_text(path.read_text().split("\n  cache:")[0].rstrip() + CACHE.format(script=script))


def cache(site, *words: str) -> str:
    return site.docker("exec", f"{site.name}-shared-cache-1", "redis-cli", *words)


def with_worker(site, command: list[str]) -> None:
    path = site.app / "compose.yaml"
    path.write_text(
        path.read_text().split("\n  worker:")[0].rstrip() + "\n" + WORKER.format(command=json.dumps(command))
    )


def workers(site) -> list[str]:
    wanted = ("--filter", "label=switchyard.kind=handover", "--filter", f"label=switchyard.app={site.name}")
    return site.docker("ps", "--format", "{{.Names}}", *wanted).split()


def test_a_release_that_dies_at_its_first_public_request_or_is_wrong_for_users_alone_is_taken_back(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    site.receipt("deploy")
    site.rewrite(
        "parts = urlsplit(self.path)\n",
        "parts = urlsplit(self.path)\n"
        f"        if self.headers['Host'].endswith(':{site.port}'):\n            os._exit(9)\n",
        "app.py",
    )
    site.rewrite('"ok\\n"', '"ready\\n"', "app.py")
    site.settings(checks={"web": {"port": 8000, "path": "/health", "body": "ready"}})  # the first release lacks it
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 5 and "taken back" in done.stdout, done.stdout
    assert ("look", "failed") in site.journal()
    assert site.answer() == "1" and "running" not in site.containers("green").values()
    site.rewrite(f".endswith(':{site.port}')", f".startswith('{site.host.ip}:')", "app.py")  # requests of users
    site.rewrite("os._exit(9)", "return self.answer(500, 'wrong')", "app.py")
    site.commit("3")
    wrong = site.inv("deploy")
    assert wrong.returncode == 5 and f"{site.url}/health answered 500: wrong" in wrong.stdout, wrong.stdout
    assert site.journal()[-1] == ("deploy", "taken back") and ("seen", "failed") in site.journal()
    assert site.answer() == "1" and "running" not in site.containers("green").values()


class Cached(BaseHTTPRequestHandler):
    """A cache at the users' address, in front of the edge, that answers by itself."""

    release: str | None = None

    def do_GET(self) -> None:
        self.send_response(200)
        if self.release:
            self.send_header(HEADER, self.release)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests out of the tests' output."""


def test_a_release_is_taken_back_where_users_get_another_and_unverified_where_nobody_says_which(site):
    site.settings()
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    with ThreadingHTTPServer(("127.0.0.1", 0), Cached) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site.users_ask(f"http://127.0.0.1:{server.server_port}")
        Cached.release = site.receipt("status")["hosts"][0]["live"]["release"]
        wrong = site.inv("deploy")
        assert wrong.returncode == 5 and f"is answered by release {Cached.release}, not " in wrong.stdout, wrong.stdout
        assert site.answer() == "1" and site.journal()[-1] == ("deploy", "taken back")
        Cached.release = None
        unverified = site.inv("deploy", "--force", "--yes")
        server.shutdown()
    assert unverified.returncode == 6 and "but not through the edge of this application" in unverified.stdout
    assert site.answer() == "2"


def test_a_slow_application_goes_live(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}}, healthy_within=60)
    site.rewrite("parts = urlsplit(self.path)\n", "parts = urlsplit(self.path)\n        time.sleep(3)\n", "app.py")
    site.commit("1")
    site.receipt("deploy")
    assert site.answer() == "1"


def test_health_that_flaps_is_not_health(site):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.commit("1")
    site.receipt("deploy")
    site.rewrite('500 if BREAK == "health" else 200', "200 if time.time() % 0.4 < 0.2 else 500", "app.py")
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and "not healthy within 5 s" in done.stdout, done.stdout
    assert site.answer() == "1"


def test_a_live_release_that_fails_its_check_for_a_while_goes_on_answering(site, under_load):
    site.settings(checks={"web": {"port": 8000, "path": "/health"}})
    site.rewrite('500 if BREAK == "health" else 200', '500 if os.path.exists("/tmp/busy") else 200', "app.py")
    site.commit("1")
    site.receipt("deploy")
    (web,) = site.containers("blue")
    (edge,) = site.containers("edge")
    load = under_load()

    def taken_out() -> int:
        """Return how often no server of blue passed the edge's check, whatever place the container has there."""
        return site.docker("logs", edge).count("backend web-8000_blue has no server available")

    before, deadline = taken_out(), time.monotonic() + SECONDS
    site.docker("exec", web, "touch", "/tmp/busy")
    while taken_out() == before:
        assert time.monotonic() < deadline
    answered = [site.answer() for _ in range(50)]
    site.docker("exec", web, "rm", "/tmp/busy")
    summary = load.stop()
    assert answered == ["1"] * 50 and summary.failed == 0, summary.errors


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
    assert ("prove_singletons", "failed") in site.journal()
    assert summary.failed == 0, summary.errors
    assert site.receipt("status")["hosts"][0]["live"]["release"] == first
    assert workers(site) == [f"{site.name}-blue-worker-1"]
    kept = f"/home/deploy/apps/{site.name}/releases/*/failed/{site.name}-green"
    assert "no work for me" in site.run("sh", "-c", f"cat {kept}-worker-1.log")
    states = [json.loads(site.run("sh", "-c", f"cat {kept}-{name}-1.json"))["State"] for name in ("web", "worker")]
    assert states[0]["Running"] and states[1]["ExitCode"] == 4, "as it was before it was stopped"


def test_an_engine_that_is_killed_past_the_switch_is_waited_for_and_the_release_goes_live(site):
    site.rewrite("    build: .\n", "    build: .\n    restart: unless-stopped\n")
    with_worker(site, RUNS)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    done = site.deploy_struck("switching traffic", lambda _: site.run("pkill", "-9", "dockerd"))
    assert done.returncode == 0, done.stdout
    assert site.answer() == "2"
    assert workers(site) == [f"{site.name}-green-worker-1"]


def test_a_proxy_that_is_killed_in_the_middle_is_waited_for_and_the_release_goes_live(site):
    site.commit("1")
    site.receipt("deploy")
    edge = f"docker inspect --format '{{{{.State.Pid}}}}' {site.name}-edge-edge-1"
    site.commit("2")
    done = site.deploy_struck("building images", lambda _: site.run("sh", "-c", f"kill -9 $({edge})"))
    assert done.returncode == 0 and "FAILED" not in done.stdout, done.stdout
    assert site.answer() == "2"


def test_a_oneshot_that_fails_stops_the_release_before_the_switch(site):
    site.commit("1")
    site.receipt("deploy")
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + "  migrate: {build: ., command: ['sh', '-c', 'echo half done; exit 7']}\n")
    site.settings(kinds={"migrate": "oneshot"})
    site.commit("2")
    done = site.inv("deploy")
    assert done.returncode == 1 and "migrate ended with 7" in done.stdout and "half done" in done.stdout, done.stdout
    assert ("oneshots", "failed") in site.journal()
    assert site.answer() == "1" and "running" not in site.containers("green").values()


def test_a_oneshot_that_hangs_half_done_is_run_again_and_a_restart_of_the_database_meanwhile_is_survived(
    site, under_load
):
    site.settings(kinds={"migrate": "oneshot"}, healthy_within=30)
    with_cache(site, "true")
    site.commit("1")
    site.receipt("deploy")
    database = site.docker("inspect", "--format", "{{.Id}} {{.Created}}", f"{site.name}-shared-cache-1")
    load = under_load()
    with_cache(site, "redis-cli -h cache incr half; sleep 600")
    site.commit("2")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for_migrate(process)
        site.until(lambda: cache(site, "get", "half") == "1", process)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "nothing live changed" in said, said
    assert "migrate" not in site.docker("ps", "--format", "{{.Names}}") and site.answer() == "1"
    with_cache(site, "redis-cli -h cache incr half; sleep 5; redis-cli -h cache set whole yes")
    site.commit("3")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for_migrate(process)
        site.docker("restart", f"{site.name}-shared-cache-1")
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert (cache(site, "get", "half"), cache(site, "get", "whole")) == ("2", "yes")
    now = site.docker("inspect", "--format", "{{.Id}} {{.Created}}", f"{site.name}-shared-cache-1")
    assert now == database and site.answer() == "3"
    assert load.stop().failed == 0


def test_a_build_that_fails_or_has_broken_dependencies_changes_nothing(site):
    site.commit("1")
    site.receipt("deploy")
    sound = (site.app / "Dockerfile").read_text()
    for line, named in (
        ("RUN echo the compiler is missing >&2; false", "the compiler is missing"),
        (
            "RUN p=$(python3 -c 'import site; print(site.getsitepackages()[0])')/b-1.0.dist-info && mkdir -p $p && "
            "printf 'Metadata-Version: 2.1\\nName: b\\nVersion: 1.0\\nRequires-Dist: not-there\\n' > $p/METADATA",
            "requires not-there",
        ),
    ):
        (site.app / "Dockerfile").write_text(sound)
        site.build_with(line)
        site.commit("2")
        done = site.inv("deploy")
        assert done.returncode == 1 and named in done.stdout, done.stdout
        assert site.answer() == "1" and site.containers("green") == {}


def test_control_c_in_a_build_that_hangs_cancels_and_frees_the_lease(site):
    site.commit("1")
    site.receipt("deploy")
    site.build_with("RUN sleep 600")
    site.commit("2")
    with site.start("deploy", "--host", "prod", "--json") as process:
        site.wait_for("sleep 600", process)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and json.loads(said)["reason"] == "nothing live changed", said
    formats.require_printed(["deploy"], process.returncode, said)
    assert time.monotonic() - began < 10
    site.rewrite("RUN sleep 600\n", "", "Dockerfile")
    site.commit("3")
    site.receipt("deploy")
    assert site.answer() == "3"


def test_control_c_after_the_switch_detaches_and_the_host_goes_on_to_its_end(site):
    with_worker(site, RUNS)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    done = site.deploy_struck("switching traffic", lambda process: process.send_signal(signal.SIGINT))
    assert done.returncode == 130 and "detached: the host goes on by itself" in done.stdout, done.stdout
    deadline = time.monotonic() + 60
    while (machine := site.receipt("status")["hosts"][0])["lease"] is not None:
        assert time.monotonic() < deadline, machine
        time.sleep(0.5)
    assert machine["live"]["state"] == "unverified" and site.answer() == "2"
    assert workers(site) == [f"{site.name}-green-worker-1"]


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


def test_containers_that_somebody_stopped_or_removed_are_drift_and_the_next_release_goes_live(site):
    with_worker(site, RUNS)
    with_cache(site, "true")
    site.settings(kinds={"migrate": "oneshot", "worker": "handover"}, healthy_within=20)
    site.commit("1")
    site.receipt("deploy")
    site.docker("rm", "--force", f"{site.name}-blue-worker-1", f"{site.name}-shared-cache-1")
    status = site.inv("status")
    assert status.returncode == 7 and "health unknown" in status.stdout, status.stdout
    assert "worker of blue, which is live, runs 0 of 1 times" in status.stdout, status.stdout
    assert "the shared service cache runs 0 of 1 times" in status.stdout, status.stdout
    for version, live, by_hand, told in (
        ("2", "blue", ("stop",), "web of blue, which is live, runs 0 of 1 times"),
        ("3", "green", ("rm", "--force"), "green, which is live, has no container"),
    ):
        site.docker(*by_hand, *site.containers(live))
        status = site.inv("status")
        assert status.returncode == 7 and told in status.stdout, status.stdout
        site.commit(version)
        site.receipt("deploy")
        assert site.answer() == version
    assert workers(site) == [f"{site.name}-blue-worker-1"] and site.receipt("status")["hosts"][0]["drift"] == []


def test_a_foreign_container_on_the_port_is_named_and_left_alone(site):
    def hold() -> None:
        site.docker("run", "--detach", "--name", "holder", "--publish", f"{site.port}:80", "redis:8")

    site.commit("1")
    hold()
    try:
        first = site.inv("deploy")
        assert first.returncode == 4 and f"port {site.port}, held by container holder" in first.stdout, first.stdout
        assert "sending" not in first.stdout
        site.docker("rm", "--force", "--volumes", "holder")
        site.receipt("deploy")
        site.docker("rm", "--force", *site.containers("edge"))
        hold()
        site.commit("2")
        later = site.inv("deploy")
        assert later.returncode == 1 and f"{site.port}" in later.stdout and "allocated" in later.stdout, later.stdout
        assert site.docker("inspect", "--format", "{{.State.Running}}", "holder") == "true"
        assert list(site.containers("blue").values()) == ["running"]
    finally:
        site.docker("rm", "--force", "--volumes", "holder")
    site.receipt("deploy")
    assert site.answer() == "2"


def test_an_old_project_on_the_same_volume_or_folder_is_found_before_and_after_and_no_deploy_goes_on_beside_it(site):
    with_cache(site, "true")
    folder, state = f"/home/deploy/{site.name}-old", f"/home/deploy/{site.name}-state"
    site.rewrite('"kept:/data"', f'"kept:/data", "{state}:/state"')
    old = ("compose", "-p", f"old{site.port}", "--project-directory", folder)
    site.settings(kinds={"migrate": "oneshot"}, volumes={"kept": {"external": f"old{site.port}_kept"}})
    site.commit("1")
    site.copy_to(folder, site.port + 1000)
    site.docker(*old, "up", "-d", "cache")
    holder = f"old{site.port}-cache-1"
    try:
        site.docker("exec", holder, "redis-cli", "set", "row", "kept")
        before = site.inv("deploy")
        assert before.returncode == 4, before.stdout
        for what in (f"volume old{site.port}_kept", f"folder {state}"):
            assert f"{what} is mounted by running container {holder}" in before.stdout, before.stdout
        assert site.containers("shared") == {}
        site.docker(*old, "down")
        site.receipt("deploy")
        assert cache(site, "get", "row") == "kept"
        site.docker(*old, "up", "-d", "cache")
        status = site.inv("status")
        assert status.returncode == 7, status.stdout
        for what in ("volume", "folder"):
            assert f"container {holder} mounts {what}" in status.stdout, status.stdout
        site.commit("2")
        after = site.inv("deploy")
        assert after.returncode == 4 and holder in after.stdout and site.answer() == "1", after.stdout
    finally:
        site.docker(*old, "down")
    site.receipt("deploy")
    assert site.answer() == "2" and cache(site, "get", "row") == "kept"


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
