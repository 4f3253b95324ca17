"""However a verb ends, its exit code and its words say what is so: what is live, who took over, what is damaged."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.harness.services import IDLE, set_worker

DEAF = """
  deaf:
    build: .
    command: ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
    stop_grace_period: 90s
    healthcheck: {test: ["CMD", "true"], interval: 1s}
"""
"""A service that lets itself be stopped only by force, after its grace period."""


def lease(site):
    return json.loads(site.read("lease.json"))


@pytest.mark.instance
def test_a_takeover_says_why_and_a_program_that_dies_after_the_switch_tells_what_is_live_now(site):
    set_worker(site, IDLE)
    site.settings(kinds={"worker": "handover"}, healthy_within=20)
    site.commit("1")
    site.receipt("deploy")
    site.build_with(f"RUN sleep 600 # {site.name}")
    site.commit("2")
    with site.start("deploy", "--host", "prod") as operator:
        site.wait_for("sleep 600", operator)
        operator.kill()
    site.rewrite(f"RUN sleep 600 # {site.name}\n", "", "Dockerfile")
    site.commit("3")

    def kill_the_program(operator) -> None:
        operator.send_signal(signal.SIGSTOP)  # the host waits for what the operator sees
        site.run("kill", "-9", str(lease(site)["pid"]))
        operator.send_signal(signal.SIGCONT)

    done = site.deploy_struck("switching traffic", kill_the_program)
    assert "its operator is gone" in done.stdout and "by force" not in done.stdout, done.stdout
    assert done.returncode == 6, done.stdout
    status = site.inv("status", "--json")  # its worker is not there yet: the next deploy starts it
    live = json.loads(status.stdout)["hosts"][0]["live"]["release"]
    assert status.returncode == 7 and site.answer() == "3"
    assert f"prod1: live is {live} (live)" in done.stdout and "after it had begun to change what is" in done.stdout


@pytest.mark.instance
def test_one_damaged_record_of_an_old_release_is_named_and_stops_neither_a_look_nor_a_rollback_to_another(site):
    releases = []
    for version in ("1", "2", "3"):
        site.commit(version)
        releases.append(site.receipt("deploy")["release"])
    path = f"{site.root}/releases/{releases[1]}/release.json"
    site.run("sh", "-c", f"head -c 100 {path} > {path}.part && cat {path}.part > {path} && rm {path}.part")
    status = site.inv("status")
    assert status.returncode == 7 and f"{path} is damaged" in status.stdout, status.stdout
    assert releases[0] in status.stdout and f"live {'blue'}  {releases[2]}" in status.stdout, status.stdout
    meant = site.inv("rollback", "--to", releases[1])
    assert meant.returncode == 4 and f"{path} is damaged" in meant.stdout, meant.stdout
    back = site.inv("rollback", "--to", releases[0])
    assert back.returncode == 0 and site.answer() == "1", back.stdout
    site.run("rm", path)


@pytest.mark.instance
def test_sigterm_ends_a_deploy_that_waits_for_an_old_colour_to_stop(site):
    path = site.app / "compose.yaml"
    path.write_text(path.read_text().rstrip() + DEAF)
    site.settings(kinds={"deaf": "plain"}, healthy_within=20)
    for version in ("1", "2"):
        site.commit(version)
        site.receipt("deploy")
    site.commit("3")
    with site.start("deploy", "--host", "prod") as process:
        site.wait_for("docker stop", process)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        output, _ = process.communicate(timeout=60)
        seconds = time.monotonic() - began
    assert process.returncode == 130 and "nothing live changed" in output, output
    assert seconds < 5, f"{seconds:.1f} s\n{output}"
    assert site.receipt("status")["hosts"][0]["lease"] is None and site.answer() == "2"


@pytest.mark.instance
@pytest.mark.long
def test_a_superseded_operator_tells_what_is_live_now(site):
    site.commit("1")
    site.receipt("deploy")
    site.build_with(f"RUN sleep 600 # {site.name}")
    site.commit("2")
    with site.start("deploy", "--host", "prod") as frozen:
        site.wait_for("sleep 600", frozen)
        frozen.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 120
        while lease(site).get("attempt") is not None:  # the host cancels it after 40 s of silence
            assert time.monotonic() < deadline
            time.sleep(1)
        site.rewrite(f"RUN sleep 600 # {site.name}\n", "", "Dockerfile")
        site.commit("3")
        live = site.receipt("deploy")["release"]
        frozen.send_signal(signal.SIGCONT)
        output, _ = frozen.communicate(timeout=120)
    assert "superseded" in output and f"live is {live} (good)" in output, output


@pytest.mark.instance
def test_a_damaged_record_of_the_live_release_is_named_and_both_ways_out_work(site):
    """Go back from it, or do as the error says: move the file away, and deploy."""
    for version, out in (("1", ""), ("2", "rollback"), ("3", "move")):
        site.commit(version)
        live = site.receipt("deploy")["release"]
        if not out:
            continue
        path = f"{site.root}/releases/{live}/release.json"
        site.run("sh", "-c", f"head -c 100 {path} > {path}.part; cat {path}.part > {path}; rm {path}.part")
        site.commit(f"{version}, and what mends it")
        for words, code in ((("status",), 7), (("doctor",), 1), (("deploy",), 1), (("plan",), 1)):
            done = site.inv(*words)
            assert done.returncode == code and f"{path} is damaged" in done.stdout, done.stdout
            assert "Repair the file or move it away" in done.stdout and "has a bug" not in done.stdout, done.stdout
        assert site.answer() == version
        if out == "rollback":
            back = site.inv("rollback")
            assert back.returncode == 0 and site.answer() == "1" and f"{path} is damaged" in back.stdout, back.stdout
        site.run("rm", path)
    site.receipt("deploy")
    assert site.answer() == "3, and what mends it" and "damaged" not in site.inv("status").stdout
