"""A round waits for its step, knows whether the step had ended, and reads the struck deploy to its end."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.faults import round as one_round
from bench.faults import strike
from bench.faults.actors import Actor, Round
from bench.faults.observations import Problem, journal, usual_seconds
from bench.faults.round import Strike, act, finish, has_ended, moment_of
from tests.bench.site_on_paper import SiteOnPaper
from tests.harness.relay import Relay


@pytest.fixture
def site() -> SiteOnPaper:
    site = SiteOnPaper()
    site.record(
        {"wall": 10.0, "step": "build", "what": "intent"},
        {"wall": 12.5, "step": "build", "what": "done", "seconds": 2.5},
        {"wall": 13.0, "step": "up", "what": "intent"},
    )
    return site


@pytest.fixture
def struck(site: SiteOnPaper) -> Iterator[Callable[[str], Round]]:
    """Yield a function that starts a program in the place of a struck deploy."""
    relay = Relay(1)
    with contextlib.ExitStack() as stack:

        def start(code: str) -> Round:
            argv = [sys.executable, "-c", code]
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
            stack.enter_context(process)
            return Round(site, relay, process, "before")

        yield start
    relay.server.close()


def test_a_torn_record_of_the_journal_is_passed_over(site: SiteOnPaper) -> None:
    site.files["journal.jsonl"] += '{"wall": 14.0, "st'
    assert [entry.what for entry in journal(site)] == ["intent", "done", "intent"]


def test_a_step_takes_as_long_as_the_last_time_and_half_a_second_without_a_record(site: SiteOnPaper) -> None:
    assert (usual_seconds(site, "build"), usual_seconds(site, "receive")) == (2.5, 0.5)


def test_a_step_has_ended_where_its_outcome_is_recorded_before_the_strike(site: SiteOnPaper) -> None:
    assert not has_ended(site, "build", Strike(10.0, 11.0))
    assert has_ended(site, "build", Strike(10.0, 12.6))
    assert has_ended(site, "receive", Strike(9.0, 10.1)), "it ends where the next step begins"
    assert str(moment_of(site, "build", Strike(10.0, 11.0), 2.5)) == "1.00 of 2.50 s "
    assert str(moment_of(site, "build", None, 2.5)) == "0.00 of 2.50 s+"


def test_a_traceback_of_the_struck_deploy_is_a_problem(struck: Callable[[str], Round]) -> None:
    assert finish(struck("print('live is 1')")) == []
    (problem,) = finish(struck("print('Traceback (most recent call last)')"))
    assert problem.startswith("a traceback: Traceback")


def test_a_struck_deploy_without_an_end_is_a_problem(
    struck: Callable[[str], Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_round, "END_SECONDS", 0.2)
    assert finish(struck("import time; time.sleep(60)")) == ["the struck deploy did not end within 0 s"]


def test_what_an_actor_sees_is_a_problem_of_the_round(struck: Callable[[str], Round]) -> None:
    def fail(_: Round) -> None:
        raise Problem("the host is not back")

    def miss(_: Round) -> None:
        raise ProcessLookupError

    assert act(Actor(fail), struck("")) == ["the host is not back"]
    assert act(Actor(miss), struck("")) == [], "a process that has already ended"


def test_the_striker_waits_for_the_next_intent_of_its_step(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(json.dumps({"step": "build", "what": "intent", "wall": 1.0}) + "\n")
    began = strike.intent(tmp_path, "build")
    assert began() is None, "an earlier attempt's"
    with path.open("a") as file:
        file.write(json.dumps({"step": "build", "what": "intent", "wall": 2.0}))
        file.flush()
        assert began() is None, "a record is not whole before its newline"
        file.write("\n")
        file.flush()
        assert began() == 2.0


def test_the_striker_takes_a_new_lease_for_the_begin_of_a_receive(tmp_path: Path) -> None:
    path = tmp_path / "lease.json"
    path.write_text('{"number": 3, "since": 1.0}')
    began = strike.lease_taken(tmp_path)
    assert began() is None
    path.write_text('{"number": 4, "since": 2.0}')
    assert began() == 2.0
