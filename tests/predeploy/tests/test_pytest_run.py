"""What a run of pytest reports of its tests."""

from __future__ import annotations

import json

from switchyard.predeploy.tests.pytest_run import PytestRun


def phase(test: str, outcome: str, when: str = "call", seconds: float = 0.1) -> str:
    return json.dumps({"test": test, "when": when, "outcome": outcome, "seconds": seconds, "why": "", "file": ""})


def test_a_torn_last_line_is_left_out():
    run = PytestRun.read(f"{phase('a', 'passed')}\n{phase('b', 'passed')[:20]}")
    assert run.outcome == {"a": "passed"}


def test_a_test_fails_with_any_of_its_phases_and_takes_the_time_of_all():
    lines = [phase("a", "passed", "setup", 1.0), phase("a", "passed", seconds=2.0), phase("a", "failed", "teardown")]
    run = PytestRun.read("\n".join(lines))
    assert (run.outcome, run.slowest) == ({"a": "failed"}, {"a": 3.1})
    assert run.failures["a"].when == "teardown"


def test_a_test_that_began_and_has_no_end_is_running():
    assert PytestRun.read('{"begun": "a"}\n{"begun": "b"}\n' + phase("a", "passed")).running == ["b"]


def test_a_rerun_that_passes_stays_a_failure_to_name():
    run = PytestRun.read("\n".join([phase("a", "rerun"), phase("a", "passed")]))
    assert (run.outcome, list(run.failures)) == ({"a": "passed"}, ["a"])
