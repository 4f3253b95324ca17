"""What a release must not do, and what it must survive, on a real host."""

from __future__ import annotations

import json
import subprocess
import threading
import time

import pytest


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


def test_a_rollback_works_after_a_system_prune_took_the_stopped_colour(site):
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    site.receipt("deploy")
    site.docker("stop", *site.containers("blue"))
    site.docker("system", "prune", "--force")
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
    dockerfile = site.app / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("USER nobody", f"RUN sleep 8 # {site.name}\nUSER nobody"))
    site.commit("2")
    (edge,) = site.containers("edge")

    def stop_for_two_seconds() -> None:
        site.docker("stop", "--time", "0", edge)
        time.sleep(2)
        site.docker("start", edge)

    with site.start("deploy", "--host", "prod", "--json") as process:
        while "RUN sleep" not in site.run("ps", "-ef") and "sleep 8" not in site.run("ps", "-ef"):
            assert process.poll() is None, process.communicate()[0]
        outage = threading.Thread(target=stop_for_two_seconds)
        outage.start()
        said, _ = process.communicate(timeout=120)
        outage.join()
    assert process.returncode == 0, said
    probes = json.loads(said)["hosts"][0]["probes"]
    assert 10 <= probes["failed"] < probes["sent"], probes
    assert site.answer() == "2"


def test_of_two_machines_none_is_switched_before_both_are_prepared(site, second_host):
    other, state = second_host
    path = site.checkout / "invoke.yaml"
    whole = json.loads(path.read_text())
    whole["hosts"]["prod"]["machines"].append(site.machine("prod2", other))
    path.write_text(json.dumps(whole))
    known = site.checkout / ".switchyard" / "known_hosts"
    known.write_text(known.read_text() + (state / "known_hosts").read_text())
    site.settings(smoke=["sh", "-c", "test ! -e /tmp/refuse"])
    site.commit("1")
    first = site.receipt("deploy")
    assert [machine["name"] for machine in first["hosts"]] == ["prod1", "prod2"]
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
    back = site.receipt("rollback")
    assert [machine["before"] for machine in back["hosts"]] == [third["release"]] * 2
    machines = site.receipt("status")["hosts"]
    assert [machine["live"]["release"] for machine in machines] == [first["release"]] * 2
