"""A round fails where a release answers unproven, a request fails, a worker is wrong, or a secret leaks."""

from __future__ import annotations

import pytest

from bench.faults import judgement
from tests.bench.site_on_paper import SiteOnPaper
from tests.harness.load.summary import Record, summarise

COMMIT = "abc1234" + "0" * 33
RELEASE = "20261124T223310Z-abc1234"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> SiteOnPaper:
    site = SiteOnPaper()
    site.releases_of_workers = [RELEASE]
    site.files["lease.json"] = '{"attempt": null, "number": 3}'
    site.holding = [f"releases/{RELEASE}/env"]
    site.record({"wall": 100.0, "step": "prove", "what": "done", "release": RELEASE})
    monkeypatch.setattr(judgement, "serving", lambda _: (RELEASE, "2"))
    return site


def test_a_site_as_it_must_be_has_no_problem(site: SiteOnPaper) -> None:
    assert judgement.live_state(site, "2", COMMIT, taken_back=None) == []
    assert judgement.secrets(site, "a screen") == []


def test_another_release_a_second_worker_and_a_held_lease_are_problems(site: SiteOnPaper) -> None:
    assert "live is" in judgement.live_state(site, "3", COMMIT, taken_back=None)[0]
    assert "where it began" in judgement.live_state(site, "2", COMMIT, taken_back=RELEASE)[0]
    site.releases_of_workers = [RELEASE, "other"]
    assert "the workers at the end" in judgement.live_state(site, "2", COMMIT, taken_back=None)[0]
    site.releases_of_workers = [RELEASE]
    site.files["lease.json"] = '{"attempt": "1-2", "number": 3}'
    assert "the lease is still held" in judgement.live_state(site, "2", COMMIT, taken_back=None)[0]


def test_a_secret_elsewhere_is_a_problem_and_so_is_a_search_that_finds_none(site: SiteOnPaper) -> None:
    assert judgement.secrets(site, f"it is {site.secret}") == ["a secret was printed"]
    site.holding = ["journal.jsonl"]
    assert judgement.secrets(site) == [
        "a secret stands in journal.jsonl",
        "the search found the secret nowhere, so it proves nothing",
    ]


def answered(at: float, error: str | None = None) -> Record:
    return Record(0, "GET", True, at, start=at, latency=0.1, status=200, release=RELEASE, error=error)


def test_a_failed_request_is_a_problem_unless_the_strike_drops_requests(site: SiteOnPaper) -> None:
    summary = summarise([answered(1.0), answered(2.0, "reset")], began=100.0, seconds=3.0)
    assert judgement.requests(site, summary, drops=True) == []
    (problem,) = judgement.requests(site, summary, drops=False)
    assert problem.startswith("1 of 2 requests failed")


def test_a_release_that_answers_before_its_proof_is_a_problem(site: SiteOnPaper) -> None:
    summary = summarise([answered(1.0)], began=98.0, seconds=3.0)
    assert judgement.requests(site, summary, drops=False) == [f"{RELEASE} answered before it was proven"]
