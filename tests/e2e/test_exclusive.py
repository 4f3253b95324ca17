"""An exclusive service: users reach it, at most one runs, and the edge holds their requests while it is replaced."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard.control import sandbox
from tests.harness.load import Summary
from tests.harness.site import in_formats
from tests.harness.web_with_store import WebWithStore, store_runs


@pytest.fixture
def site(tmp_path: Path, sandbox_host: tuple[sandbox.SandboxHost, Path]) -> Iterator[WebWithStore]:
    with in_formats(WebWithStore(tmp_path, *sandbox_host)) as site:
        yield site


def answers(site: WebWithStore) -> tuple[str, str]:
    """Return the versions that web and store answer with."""
    with urllib.request.urlopen(site.store_url, timeout=20) as answer:
        return site.answer(), answer.read().decode().strip()


def require_one_at_a_time(site: WebWithStore) -> None:
    """Require that no store ever found another one running, nor began before the last one had ended."""
    runs = store_runs(site)
    assert runs == ["begun", "ended"] * (len(runs) // 2) + ["begun"], runs


def holds(receipt: dict) -> list[dict]:
    (host,) = receipt["hosts"]
    return host.get("holds", [])


def require_whole(*summaries: Summary) -> None:
    for summary in summaries:
        assert summary.failed == 0 and summary.sent > 100, (summary.errors, summary.sent)


def test_under_load_a_deploy_and_rollbacks_replace_the_only_one_and_fail_no_request(site, under_load):
    site.commit("1")
    assert site.receipt("deploy")["outcome"] == "live"
    web, store = under_load(), site.store_load().start()
    try:
        site.commit("2")
        deployed = site.receipt("deploy")
        assert deployed["outcome"] == "live" and answers(site) == ("2", "2")
        warm = site.receipt("rollback")
        assert answers(site) == ("1", "1")
        site.docker("stop", *site.containers("green"))
        cold = site.receipt("rollback", "--to", deployed["release"])
        assert answers(site) == ("2", "2")
    finally:
        summaries = [web.stop(), store.stop()]
    require_whole(*summaries)
    require_one_at_a_time(site)
    for receipt in (deployed, warm, cold):
        (hold,) = holds(receipt)
        assert 0 < hold["longest"] <= hold["seconds"] + 4 and hold["refused"] == 0, hold
        print("hold", hold)
    print([(each.sent, each.failed, each.longest_gap) for each in summaries])


def test_a_store_that_never_gets_healthy_is_taken_back_within_the_hold_and_fails_no_request(site, under_load):
    site.commit("1")
    site.receipt("deploy")
    site.store_settings(healthy_within=6)
    site.store_breaks("health")
    site.commit("2")
    web, store = under_load(), site.store_load().start()
    try:
        failed = site.inv("deploy", "--json")
    finally:
        summaries = [web.stop(), store.stop()]
    assert failed.returncode == 5, failed.stdout
    assert answers(site) == ("1", "1")
    require_whole(*summaries)
    require_one_at_a_time(site)
    (hold,) = holds(json.loads(failed.stdout))
    assert 6 < hold["seconds"] < 30 and hold["refused"] == 0, hold
    steps = [step["name"] for step in json.loads(failed.stdout)["hosts"][0]["steps"]]
    assert "switch" not in steps and steps.index("hold") < steps.index("release")


def test_beyond_the_hold_requests_get_503_with_a_time_to_ask_again_and_are_counted(site):
    site.store_settings(hold=2, healthy_within=6)
    site.commit("1")
    site.receipt("deploy")
    site.store_breaks("health")
    site.commit("2")
    store = site.store_load(rate=20).start()
    try:
        failed = site.inv("deploy", "--json")
    finally:
        summary = store.stop()
    assert failed.returncode == 5, failed.stdout
    (hold,) = holds(json.loads(failed.stdout))
    refused = [record for record in store.records if record.status == 503]
    assert hold["refused"] == len(refused) == summary.failed > 0, (hold, summary.errors)
    assert all(1.9 < record.latency < 3.5 for record in refused), sorted(record.latency for record in refused)
    assert answers(site) == ("1", "1")


def test_after_a_kill_between_hold_and_release_the_next_deploy_lets_requests_through_first(site, under_load):
    site.commit("1")
    site.receipt("deploy")
    site.commit("2")
    web, store = under_load(), site.store_load().start()

    def kill(_: object) -> None:
        site.run("kill", "-9", str(json.loads(site.read("lease.json"))["pid"]))

    try:
        struck = site.deploy_struck("requests to store wait", kill)
        assert struck.returncode != 0, struck.stdout
        site.commit("3")
        next_one = site.receipt("deploy")
        assert answers(site) == ("3", "3")
    finally:
        summaries = [web.stop(), store.stop()]
    require_whole(*summaries)
    require_one_at_a_time(site)
    steps = [step["name"] for step in next_one["hosts"][0]["steps"]]
    assert steps.index("release") < steps.index("up"), steps
