"""A host that an earlier Switchyard deployed serves on while this one takes it over."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard.control import sandbox
from switchyard.core.wire.message import Json
from switchyard.core.wire.receipt import HistoryReport, Receipt, StatusReport
from switchyard.core.wire.release import ReleaseRecord
from tests.harness.heartbeats import overlaps
from tests.harness.history import export
from tests.harness.library import TOP
from tests.harness.load import Summary
from tests.harness.site import clear, require_formats
from tests.harness.web_with_worker import WebWithWorker

COMMITS = ("b2a70e0", *(pytest.param(each, marks=pytest.mark.long) for each in ("c87d078", "306bc53")), "02f31fe")
"""The commits from which an upgrade must work. Each issue adds the commit on which it begins."""
PHASE_SECONDS = 3.0
"""How long the load runs on after each verb."""
RATE_LEAST = 50.0
"""Requests a second in every phase."""


@pytest.fixture(params=COMMITS)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the tree of an earlier commit. A history that lacks it fails the test: unknown is no pass and no skip."""
    return export(str(request.param), tmp_path / "earlier")


@pytest.fixture
def site(earlier: Path, tmp_path: Path, sandbox_host: tuple[sandbox.SandboxHost, Path]) -> Iterator[WebWithWorker]:
    """Yield a site whose verbs come from the earlier tree."""
    site = WebWithWorker(tmp_path / "site", *sandbox_host)
    site.library = [earlier]
    yield site
    clear(site)


def test_a_host_of_an_earlier_version_is_used_under_load_without_a_failed_request(site: WebWithWorker) -> None:
    site.commit("1")
    first = site.receipt("deploy")["release"]
    site.commit("2")
    second = site.receipt("deploy")["release"]
    assert site.answer() == "2"

    site.library, edge = [TOP], site.containers("edge")
    marks: list[float] = []
    with site.load() as load:

        def phase(*words: str) -> Json:
            """Run a verb of this tree, which must exit 0, go on under load, and return what the verb printed."""
            marks.append(time.time())
            printed: Json = site.receipt(*words)
            time.sleep(PHASE_SECONDS)
            return printed

        (machine,) = StatusReport.decode(phase("status")).hosts
        assert machine.live is not None and machine.live.release == second
        (attempts,) = HistoryReport.decode(phase("history")).hosts
        assert {first, second} <= {attempt.release for attempt in attempts.attempts} and attempts.problems == ()
        site.commit("3")
        third = Receipt.decode(phase("deploy")).release
        assert (site.answer(), site.workers()) == ("3", [third])
        assert Receipt.decode(phase("rollback")).release == second, "warm: its containers still stand by"
        assert (site.answer(), site.workers()) == ("2", [second])
        assert Receipt.decode(phase("rollback", "--to", first)).release == first, "cold: its containers are gone"
        assert (site.answer(), site.workers()) == ("1", [first])
        site.commit("4")
        fourth = Receipt.decode(phase("deploy")).release
        assert (site.answer(), site.workers()) == ("4", [fourth])
        assert site.containers("edge") == edge, "no deploy or rollback recreates an older edge"
        assert "the edge is not hardened (" in site.inv("status").stdout
        marks.append(time.time())
        summary = load.stop()

    late = f"the load itself was up to {summary.most_late:.1f} s late"  # says whether this machine had no time
    assert summary.failed == 0, f"{summary.errors}, {late}: {failures(summary, marks)} in each phase"
    assert set(summary.ids_sent) == set(summary.ids_answered)
    assert set(summary.releases) == {first, second, third, fourth}
    assert min(rates(summary, marks)) >= RATE_LEAST, f"{rates(summary, marks)}; {late}"
    assert overlaps(site.heartbeats()) == []
    records = [ReleaseRecord.decode(json.loads(site.read(f"releases/{name}/release.json"))) for name in (first, second)]
    assert [record.state for record in records] == ["good", "bad"], "a rollback left the second"
    require_formats(site)
    applied = site.inv("edge.apply", "--yes")
    assert applied.returncode == 0 and "new in its container: read_only" in applied.stdout, applied.stdout
    assert site.answer() == "4" and "not hardened" not in site.inv("status").stdout


def rates(summary: Summary, marks: list[float]) -> list[float]:
    """Return the requests a second between each two marks, which are seconds since the epoch."""
    counts = per_phase([record.start for record in summary.records], summary.began, marks)
    return [count / (ended - began) for count, (began, ended) in zip(counts, itertools.pairwise(marks), strict=True)]


def failures(summary: Summary, marks: list[float]) -> list[int]:
    """Return how many requests failed that started between each two marks."""
    return per_phase([record.start for record in summary.failures], summary.began, marks)


def per_phase(starts: list[float], origin: float, marks: list[float]) -> list[int]:
    """Count starts, which are seconds since the origin, between each two marks."""
    return [sum(1 for start in starts if began <= origin + start < ended) for began, ended in itertools.pairwise(marks)]
