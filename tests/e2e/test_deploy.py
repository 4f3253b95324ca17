"""What a deploy promises where all goes well, and what it refuses to ship."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.harness.library import TOP

SLOW = 5.0
"""Seconds that say that a look waited for a health check."""

RECEIPT = {"v", "outcome", "release", "exit", "hosts"}
MACHINE = {"name", "before", "steps", "executions", "probes"}


def test_a_deploy_and_a_rollback_at_200_requests_a_second_drop_none_and_answers_follow_the_release(site, under_load):
    site.commit("1")
    first = site.receipt("deploy")
    site.commit("2")
    load = under_load()
    second = site.receipt("deploy")
    assert site.answer() == "2"
    back = site.receipt("rollback")
    assert site.answer() == "1"
    summary = load.stop()
    assert summary.failed == 0, summary.errors
    assert set(summary.ids_sent) == set(summary.ids_answered)
    assert set(summary.releases) == {first["release"], second["release"]}
    assert summary.releases[second["release"]].count > 0
    for receipt in (first, second, back):
        (machine,) = receipt["hosts"]
        assert set(receipt) == RECEIPT and set(machine) == MACHINE and set(machine["probes"]) == {"sent", "failed"}
        assert machine["executions"] == (1 if receipt is back else 2), "a deploy looks first, for its checks"
    assert back["release"] == first["release"] and back["hosts"][0]["before"] == second["release"]


def test_an_edge_that_a_release_needs_otherwise_is_reloaded_and_never_made_again(site, under_load):
    site.commit("1")
    site.receipt("deploy")
    edge = site.containers("edge")
    site.settings(checks={"web": {"port": 8000, "path": "/private", "status": 401}})  # the live release lacks it
    site.rewrite(
        'if parts.path == "/health":',
        'if parts.path == "/private":\n            self.answer(401, "")\n        elif parts.path == "/health":',
        "app.py",
    )
    probed = 'elif self.headers["User-Agent"] == "switchyard":\n            self.answer(404, "")\n        else:\n'
    site.rewrite(
        "else:\n            self.answer(500 if BREAK", f"{probed}            self.answer(500 if BREAK", "app.py"
    )
    site.commit("2")
    load = under_load()
    (machine,) = site.receipt("deploy")["hosts"]
    summary = load.stop()
    assert "edge" in [step["name"] for step in machine["steps"]]
    assert summary.failed == 0, summary.errors
    assert site.containers("edge") == edge and site.answer() == "2"
    site.commit("3")
    for verb in ("deploy", "rollback"):
        (machine,) = site.receipt(verb)["hosts"]
        assert machine["probes"]["sent"] > 0 and machine["probes"]["failed"] == 0, "what is asked is the check's page"


def test_an_installed_switchyard_ships_a_dirty_work_tree_as_its_commit_when_asked_for(site, tmp_path):
    installed = tmp_path / "installed"
    uv = [Path(sys.executable).parent / "uv", "pip", "install", "--quiet", "--no-deps", "--target", installed, TOP]
    subprocess.run(uv, check=True, capture_output=True)
    site.library = [installed]
    site.commit("1")
    (site.app / "VERSION").write_text("never committed")
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "--allow-dirty" in refused.stdout
    assert site.containers("blue") == {}
    done = site.inv("deploy", "--allow-dirty", "--yes")
    assert done.returncode == 0, done.stdout
    assert site.answer() == "1"


def test_a_shallow_clone_is_refused_before_the_host_is_touched(site, tmp_path):
    site.commit("1")
    site.commit("2")
    shallow = tmp_path / "shallow"
    command = ["git", "clone", "--quiet", "--depth", "1", f"file://{site.app}", str(shallow)]
    subprocess.run(command, check=True, capture_output=True)
    site.point_at(shallow)
    refused = site.inv("deploy")
    assert refused.returncode == 4 and "shallow" in refused.stdout and "--unshallow" in refused.stdout
    assert site.containers("blue") == {} and site.containers("edge") == {}


def test_an_ancestor_goes_live_when_a_downgrade_is_allowed(site):
    older = site.commit("1")
    site.commit("2")
    site.receipt("deploy")
    refused = site.inv("deploy", "--rev", older)
    assert refused.returncode == 4 and "--allow-downgrade" in refused.stdout
    assert site.answer() == "2"
    site.receipt("deploy", "--rev", older, "--allow-downgrade", "--yes")
    assert site.answer() == "1"


@pytest.mark.instance
def test_status_describes_the_live_release_in_the_documented_keys_and_waits_for_no_health_check(site):
    (declared,) = [line.strip() for line in (site.app / "compose.yaml").read_text().splitlines() if "CMD" in line]
    site.rewrite(declared, 'test: ["CMD-SHELL", "test ! -e /tmp/slow || sleep 60"]')
    site.rewrite("interval: 5s", "interval: 1s")
    commit = site.commit("1")
    release = site.receipt("deploy")["release"]
    deadline = time.monotonic() + 20
    while (status := site.receipt("status"))["hosts"][0]["live"]["healthy"] is None:
        assert time.monotonic() < deadline, status
    assert set(status) == {"v", "app", "hosts"} and status["app"] == site.name
    (machine,) = status["hosts"]
    assert set(machine) == {"name", "url", "live", "idle", "lease", "kept", "drift", "traffic"}
    live = machine["live"]
    assert live["healthy"] is True
    assert set(live) == {"colour", "release", "commit", "state", "since", "healthy"}
    assert (live["release"], live["commit"]) == (release, commit)
    assert "running" in site.containers(live["colour"]).values()
    site.docker("exec", next(iter(site.containers(live["colour"]))), "touch", "/tmp/slow")
    seconds = {}
    for verb in ("history", "status"):
        began = time.monotonic()
        assert site.inv(verb).returncode == 0
        seconds[verb] = time.monotonic() - began
    assert seconds["status"] - seconds["history"] < SLOW, seconds
    assert site.receipt("status")["hosts"][0]["live"]["healthy"] is True, "as the engine saw it last"


def test_a_rollback_without_a_target_leaves_the_same_containers_running(site):
    site.commit("1")
    site.receipt("deploy")
    before = {colour: site.containers(colour) for colour in ("edge", "blue", "green")}
    done = site.inv("rollback")
    assert done.returncode != 0
    assert {colour: site.containers(colour) for colour in before} == before
    assert site.answer() == "1"


def test_commits_made_in_one_second_ship_their_own_content(site):
    for version, at in (("1", 1_700_000_000), ("2", 1_700_000_001), ("3", 1_700_000_001)):
        site.commit(version, at=at)
        release = site.receipt("deploy")["release"]
        image = f"switchyard/{site.name}/web:{release}"
        assert site.docker("run", "--rm", "--entrypoint", "cat", image, "VERSION") == version
        assert site.answer() == version
