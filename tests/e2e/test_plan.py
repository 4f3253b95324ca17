"""A plan and a dry run say what a deploy would do, and change nothing."""

from __future__ import annotations

import json

import pytest

from switchyard.core import commands


def test_plan_writes_nothing_and_a_rollback_with_todays_env_is_a_release_of_the_older_commit(site):
    site.commit("1")
    site.receipt("deploy")
    first = site.receipt("status")["hosts"][0]["live"]["commit"]
    site.commit("2")
    before = site.docker("ps", "--all", "--quiet")
    planned = json.loads(site.inv("plan", "--json").stdout)
    assert planned["outcome"] == "planned" and "switch green" in planned["hosts"][0]["steps"]
    assert site.docker("ps", "--all", "--quiet") == before and len(site.receipt("status")["hosts"][0]["kept"]) == 1
    done = site.receipt("deploy")
    carried = [
        f"{step['name']} {step['colour']}" if step["colour"] else step["name"] for step in done["hosts"][0]["steps"]
    ]
    assert ["predeploy", "receive", *carried[1:]] == planned["hosts"][0]["steps"] and carried[0] == "predeploy"
    back = site.inv("rollback", "--env", "current")
    assert back.returncode == 0, back.stdout
    live = site.receipt("status")["hosts"][0]
    assert site.answer() == "1" and live["live"]["commit"] == first
    assert [kept["state"] for kept in live["kept"]] == ["good", "bad", "good"]


def test_what_a_plan_prints_is_what_a_deploy_carries_out(site):
    """One digest covers steps and commands, with a oneshot, a worker, a pulled image and a smoke command."""
    compose = site.app / "compose.yaml"
    compose.write_text(
        compose.read_text()
        + "  migrate: {build: ., command: ['true']}\n"
        + "  worker: {build: ., command: ['sleep', '1000'], init: true, healthcheck: {test: ['CMD', 'true']}}\n"
        + "  cache: {image: 'redis:8', healthcheck: {test: ['CMD', 'redis-cli', 'ping'], interval: 1s}}\n"
    )
    kinds = {"migrate": "oneshot", "worker": "handover", "cache": "shared"}
    site.settings(kinds=kinds, smoke=["sh", "-c", "true"], healthy_within=20)
    for version in ("1", "2", "3"):
        site.commit(version)
        (planned,) = json.loads(site.inv("plan", "--json").stdout)["hosts"]
        (done,) = site.receipt("deploy")["hosts"]
        carried = [(f"{s['name']} {s['colour']}" if s["colour"] else s["name"], s["commands"]) for s in done["steps"]]
        assert carried == [(name, list(planned["commands"][name])) for name in planned["steps"] if name != "receive"]
        assert commands.digest(carried) == planned["digest"]
    assert "images of migrate, web, worker: known after build" in planned["changes"]


def test_a_plan_says_what_changes_and_no_value(site):
    site.commit("1")
    site.receipt("deploy")
    (site.checkout / "prod.env").write_text("BREAK=none\nADDED=a-secret-value\n")
    site.rewrite("stop_grace_period: 20s", "stop_grace_period: 21s")
    site.commit("2")
    explained = json.loads(site.inv("services", "--explain").stdout)
    assert set(explained) == {"shared", "blue", "green", "build"} and "web" in explained["green"]["services"]
    assert "a-secret-value" not in json.dumps(explained)
    output = site.inv("plan").stdout
    assert "env keys added: ADDED" in output and "compose: web: stop_grace_period" in output, output
    assert "a-secret-value" not in output


@pytest.mark.instance
def test_a_dry_run_says_whether_the_host_would_refuse_the_commit(site):
    older = site.commit("1")
    site.commit("2")
    (site.checkout / "prod.env").write_text("BREAK=none\nMORE=1\n")
    site.receipt("deploy")
    site.broken("none")
    done = site.inv("deploy", "--dry-run", "--rev", older, "--json")
    plan = json.loads(done.stdout)
    assert (done.returncode, plan["exit"], plan["outcome"]) == (4, 4, "refused")
    assert site.inv("plan", "--rev", older).returncode == 4
    (planned,) = plan["hosts"]
    assert any("REFUSED: prod1: " in change and "is not a descendant of" in change for change in planned["changes"])
    assert any(change.startswith("REFUSED: prod1: the live release has env keys") for change in planned["changes"])


@pytest.mark.instance
def test_what_the_host_and_the_control_node_refuse_comes_in_one_refusal_of_plan_and_deploy_alike(site):
    site.commit("1")
    site.receipt("deploy")
    site.git("commit", "--amend", "--quiet", "--message", "somebody rewrote history")
    (site.checkout / "prod.env").write_text("")
    for words in (("plan",), ("deploy",)):
        done = site.inv(*words)
        assert done.returncode == 4, done.stdout
        for reason in ("env keys that this release lacks: BREAK", "is not a descendant of"):
            assert done.stdout.count(reason) == 1, f"{words}: {reason}\n{done.stdout}"
    assert site.answer() == "1"
