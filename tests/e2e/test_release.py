"""What a release must not do and what it must survive, on a real host."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time

import pytest


@pytest.mark.instance
def test_the_same_load_against_compose_up_in_place_counts_failures(site, under_load):
    site.commit("1")
    folder = f"/home/deploy/{site.name}"
    site.copy_to(folder)
    compose = ("compose", "--project-directory", folder)
    site.docker(*compose, "up", "-d", "--build", "--wait")
    try:
        load = under_load()
        site.run("sh", "-c", f"echo 2 > {folder}/VERSION")
        site.docker(*compose, "up", "-d", "--build", "--wait")
        assert load.stop().failed > 0
        refused = site.inv("deploy")
        for words in (f"plain project {site.name} in {folder}: web", f"port {site.port}, held by container"):
            assert refused.returncode == 4 and words in refused.stdout, refused.stdout
    finally:
        site.docker(*compose, "down")


def test_what_must_not_go_live_is_refused_and_goes_when_asked_for_by_name(site):
    site.commit("1")
    site.receipt("deploy")
    again = site.inv("deploy")
    assert again.returncode == 0 and "live already" in again.stdout
    site.commit("2")
    site.receipt("deploy")
    assert site.inv("rollback").returncode == 0
    bad = site.inv("deploy")
    assert bad.returncode == 4 and "--force" in bad.stdout
    unasked = site.inv("deploy", "--force")
    assert unasked.returncode == 4 and "--yes" in unasked.stdout
    site.receipt("deploy", "--force", "--yes")
    assert site.answer() == "2"


def test_a_rollback_works_after_a_system_prune_took_the_stopped_colour_and_the_engine_began_anew(site):
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    site.receipt("deploy")
    site.docker("stop", *site.containers("blue"))
    site.docker("system", "prune", "--force")
    before = site.run("pgrep", "-x", "dockerd")
    site.run("pkill", "-x", "dockerd")
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(subprocess.CalledProcessError):
            if site.run("pgrep", "-x", "dockerd") != before and site.docker("ps", "--quiet"):
                break
        assert time.monotonic() < deadline, "the engine is not back"
        time.sleep(0.2)
    site.receipt("rollback")
    assert site.answer() == "1"


@pytest.mark.parametrize("words", [["deploy", "--help"], ["deploy", "prod"], ["deploy", "--hsot", "prod"]])
def test_help_and_mistyped_words_never_touch_a_host(site, words):
    site.commit("1")
    with site.start(*words) as process:
        process.communicate(timeout=60)
    assert site.name not in site.run("ls", "/home/deploy/apps")


def test_a_first_release_that_fails_leaves_nothing_live_and_the_next_one_goes_live(site):
    site.broken("crash")
    site.commit("1")
    failed = site.inv("deploy")
    assert failed.returncode == 1 and "exited with code 3" in failed.stdout, failed.stdout
    assert "nothing is live" in failed.stdout
    (machine,) = site.receipt("status")["hosts"]
    assert machine["live"] is None and machine["lease"] is None
    site.broken("none")
    site.commit("2")
    site.receipt("deploy")
    assert site.answer() == "2"


def test_failures_at_the_users_address_during_a_deploy_stand_in_its_receipt(site):
    site.commit("1")
    site.receipt("deploy")
    site.build_with(f"RUN sleep 8 # {site.name}")
    site.commit("2")
    (edge,) = site.containers("edge")

    def stop_for_two_seconds() -> None:
        site.docker("stop", "--time", "0", edge)
        time.sleep(2)
        site.docker("start", edge)

    with site.start("deploy", "--host", "prod", "--json") as process:
        site.wait_for("sleep 8", process)
        outage = threading.Thread(target=stop_for_two_seconds)
        outage.start()
        output, _ = process.communicate(timeout=120)
        outage.join()
    assert process.returncode == 0, output
    probes = json.loads(output)["hosts"][0]["probes"]
    assert 10 <= probes["failed"] < probes["sent"], probes
    assert site.answer() == "2"


def test_of_two_machines_none_is_switched_before_both_are_prepared_nor_beside_one_that_fell_back(site, second_host):
    other, state = second_host
    site.join("prod2", other, state)
    site.settings(smoke=["sh", "-c", "test ! -e /tmp/refuse"])
    site.commit("1")
    first = site.receipt("deploy")
    assert [machine["name"] for machine in first["hosts"]] == ["prod1", "prod2"]
    for words in (["history"], ["logs", "--service", "edge"]):
        shown = site.inv(*words)
        assert shown.returncode == 0 and "prod1: " in shown.stdout and "prod2: " in shown.stdout, shown.stdout
    ran = site.inv("exec", "--service", "web", "--command", "cat VERSION")
    assert ran.returncode == 0 and ran.stdout.split() == ["1", "1"], "a command runs on every machine"
    subprocess.run(["docker", "exec", other.container, "touch", "/tmp/refuse"], check=True)
    site.commit("2")
    failed = site.inv("deploy", "--json")
    assert failed.returncode == 1 and "smoke" in failed.stdout, failed.stdout
    machines = site.receipt("status")["hosts"]
    assert [machine["live"]["release"] for machine in machines] == [first["release"]] * 2
    assert [machine["lease"] for machine in machines] == [None] * 2
    assert site.answer() == "1"
    subprocess.run(["docker", "exec", other.container, "rm", "/tmp/refuse"], check=True)
    site.commit("3")
    third = site.receipt("deploy")
    site.rewrite(f'"port": {other.port}', '"port": 1', "../checkout/invoke.yaml")  # where nothing answers
    seen = site.inv("status", "--json")
    assert seen.returncode == 3, seen.stdout
    seen = json.loads(seen.stdout)
    assert [machine["live"]["release"] for machine in seen["hosts"]] == [third["release"]]
    assert [machine["name"] for machine in seen["unknown"]] == ["prod2"]
    done = site.inv("rollback", "--json")
    assert done.returncode == 3 and '"reason": "prod2 (127.0.0.1:1): no SSH connection' in done.stdout, done.stdout
    machines = json.loads(done.stdout)["hosts"]
    assert [(machine["name"], machine["before"]) for machine in machines] == [
        ("prod1", third["release"]),
        ("prod2", None),
    ]
    assert site.answer() == "1"
    site.rewrite('"port": 1', f'"port": {other.port}', "../checkout/invoke.yaml")
    back = site.receipt("rollback", "--to", first["release"])
    assert [machine["before"] for machine in back["hosts"]] == [first["release"], third["release"]]
    machines = site.receipt("status")["hosts"]
    assert [machine["live"]["release"] for machine in machines] == [first["release"]] * 2
    site.rewrite("    ports:\n", '    volumes: ["/srv/refuses:/refuses"]\n    ports:\n')
    site.rewrite(
        "parts = urlsplit(self.path)\n",
        "parts = urlsplit(self.path)\n"
        f"        if self.headers['Host'].endswith(':{site.port}') and os.path.exists('/refuses/users'):\n"
        "            os._exit(9)\n",
        "app.py",
    )
    site.run("mkdir", "/srv/refuses")
    subprocess.run(["docker", "exec", other.container, "mkdir", "/srv/refuses"], check=True)
    site.run("touch", "/srv/refuses/users")
    site.commit("4")
    taken_back = site.inv("deploy")
    assert taken_back.returncode == 5 and "prod2: switching" not in taken_back.stdout, taken_back.stdout
    machines = site.receipt("status")["hosts"]
    assert [machine["live"]["release"] for machine in machines] == [first["release"]] * 2
    assert [machine["lease"] for machine in machines] == [None] * 2
    site.run("rm", "/srv/refuses/users")
    site.settings(smoke=["sh", "-c", "test ! -e /tmp/slow || sleep 6"])
    subprocess.run(["docker", "exec", other.container, "touch", "/tmp/slow"], check=True)
    site.commit("5")
    # This machine is prepared, the other is not.
    done = site.deploy_struck("prod1: the way back is", lambda _: site.docker("kill", *site.containers("green")))
    assert done.returncode == 1 and "prod1: failed: web: " in done.stdout, done.stdout
    assert set(site.containers("green").values()) == {"exited"} and site.answer() == "1"
    machines = site.receipt("status")["hosts"]
    assert [machine["live"]["release"] for machine in machines] == [first["release"]] * 2
    assert [machine["kept"][0]["state"] for machine in machines] == ["failed"] * 2
