"""The runner: order, cores and Ctrl-C."""

from __future__ import annotations

import threading

import pytest

from switchyard.control import terminal
from switchyard.predeploy.engine import runner
from switchyard.predeploy.engine.result import PASS, UNKNOWN, Result
from switchyard.predeploy.engine.subject import Subject
from tests.harness.check_runs import check, passes, run


def test_checks_run_side_by_side(subject):
    both = threading.Barrier(2, timeout=10)

    def meets(subject: Subject) -> Result:
        both.wait()
        return Result(PASS)

    results, _ = run([check("one", meets), check("two", meets)], subject)
    assert {result.outcome for result in results.values()} == {PASS}


def test_one_check_computes_on_a_core_at_a_time_and_those_that_wait_for_others_take_none(subject, monkeypatch):
    monkeypatch.setattr(runner, "COMPUTING", 1)
    two, computed = threading.Barrier(2), threading.Semaphore(0)

    def computes(subject: Subject) -> Result:
        with pytest.raises(threading.BrokenBarrierError):
            two.wait(0.5)
        computed.release()
        return Result(PASS)

    def waits(subject: Subject) -> Result:
        assert all(computed.acquire(timeout=10) for _ in range(5))
        return Result(PASS)

    checks = [check("waits", waits, waits=True), *(check(f"computes{number}", computes) for number in range(5))]
    results, _ = run(checks, subject)
    assert {result.outcome for result in results.values()} == {PASS}, results


def test_what_has_not_begun_when_the_run_is_cancelled_does_not_begin(subject, monkeypatch):
    monkeypatch.setattr(runner, "COMPUTING", 1)

    def cancels(subject: Subject) -> Result:
        subject.cancelled.set()
        return Result(PASS)

    results, shown = run([check("cancels", cancels), check("later", passes)], subject)
    assert shown.begun == ["cancels"] and results["later"].outcome == UNKNOWN


def test_a_check_begins_after_those_that_it_waits_for(subject):
    many = [check(f"first{number}", passes) for number in range(20)]
    last = check("last", passes, after=tuple(each.name for each in many))
    _, shown = run([last, *many], subject)
    assert shown.begun[-1] == "last" and len(shown.ended) == 21


def test_a_check_that_waits_for_one_that_was_not_asked_for_begins(subject):
    results, _ = run([check("last", passes, after=("absent",))], subject)
    assert results["last"].outcome == PASS


def test_secrets_are_known_before_a_check_begins(subject):
    def cuts(subject: Subject) -> Result:
        return Result(PASS, terminal.shown(f"it is {subject.env['PASSWORD']}")[:12])

    results, _ = run([check("cuts", cuts)], subject)
    assert results["cuts"].reason == "it is •••"
