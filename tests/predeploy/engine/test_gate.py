"""How much a result counts, for every outcome and gate; what is no worse than live; and what is never a pass."""

from __future__ import annotations

import itertools

import pytest

from switchyard.core.wire.checks import CheckRecord
from switchyard.predeploy.engine.gate import NO_WORSE, Verdict, no_worse, outcome, record
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result, judged

ERROR = Finding("E1", "an error", place="a.py", line=3, text="x = 1")
OTHER = Finding("E1", "an error", place="a.py", line=9, text="y = 2")
WARNING = Finding("W1", "a warning", place="a.py", severity="warn")


def verdict(result: Result, gate: str = "required", allowed: str = "") -> Verdict:
    return Verdict("lint", "code", gate, result, allowed)


def live(*findings: Finding, outcome: str = FAIL, tests: tuple[str, ...] = ()) -> CheckRecord:
    identities = tuple(finding.identity for finding in findings)
    return CheckRecord(outcome, tools={}, findings=identities, tests=dict.fromkeys(tests, "passed"))


@pytest.mark.parametrize("gate", ["required", "advisory", NO_WORSE])
@pytest.mark.parametrize("found", [PASS, FAIL, UNKNOWN, SKIPPED])
@pytest.mark.parametrize("allowed", ["", "the source is down"])
def test_each_outcome_counts_by_its_gate(gate, found, allowed):
    one = verdict(Result(found), gate, allowed)
    assert one.failed == (found == FAIL and gate != "advisory")
    assert one.unchecked == (found == UNKNOWN and gate != "advisory" and not allowed)


def test_all_together_pass_only_if_none_fails_none_is_unknown_and_one_passed():
    for found in itertools.product([PASS, FAIL, UNKNOWN, SKIPPED], repeat=3):
        all_of_them = outcome([verdict(Result(each)) for each in found])
        if FAIL in found:
            assert all_of_them == FAIL
        elif UNKNOWN in found or PASS not in found:
            assert all_of_them == UNKNOWN
        else:
            assert all_of_them == PASS


def test_nothing_that_was_checked_is_never_a_pass():
    assert outcome([]) == UNKNOWN
    assert outcome([verdict(Result(SKIPPED, "left out"))]) == UNKNOWN
    assert outcome([verdict(Result(UNKNOWN), allowed="no network")]) == UNKNOWN


def test_warnings_fail_nothing():
    assert judged([WARNING], "1 file").outcome == PASS
    assert judged([WARNING, ERROR], "1 file").outcome == FAIL


def test_what_live_has_too_is_no_worse_wherever_its_line_moved():
    moved = Finding("E1", "an error", place="a.py", line=300, text="  x  =  1")
    assert no_worse(judged([moved], ""), live(ERROR), first=False).outcome == PASS


def test_a_second_of_the_same_kind_is_worse():
    found = no_worse(judged([ERROR, OTHER], ""), live(ERROR), first=False)
    assert (found.outcome, found.findings) == (FAIL, (OTHER,))
    assert no_worse(judged([ERROR, ERROR], ""), live(ERROR), first=False).outcome == FAIL


def test_a_new_warning_beside_old_errors_fails_nothing():
    assert no_worse(judged([ERROR, WARNING], ""), live(ERROR), first=False).outcome == PASS


def test_a_test_that_is_gone_is_lost():
    result = Result(PASS, tests={"tests/test_a.py::test_one": "passed"})
    kept = live(outcome=PASS, tests=("tests/test_a.py::test_one", "tests/test_a.py::test_two"))
    found = no_worse(result, kept, first=False)
    assert found.outcome == FAIL
    assert "test_two was collected on the live release and is gone" in found.findings[0].what


def test_a_failure_without_findings_is_no_worse_only_if_live_failed_as_well():
    assert no_worse(Result(FAIL), live(outcome=FAIL), first=False).outcome == PASS
    assert no_worse(Result(FAIL), live(outcome=PASS), first=False).outcome == FAIL


def test_without_a_result_of_live_it_is_unknown_but_for_a_first_deploy():
    assert no_worse(judged([ERROR], ""), None, first=False).outcome == UNKNOWN
    first = no_worse(judged([ERROR], ""), None, first=True)
    assert first.outcome == PASS and "recorded" in first.reason


@pytest.mark.parametrize("found", [UNKNOWN, SKIPPED])
def test_what_was_not_looked_at_is_not_compared(found):
    assert no_worse(Result(found), live(), first=True).outcome == found


def test_only_what_was_looked_at_is_kept_for_the_next_release():
    kept = record([verdict(judged([ERROR], "")), Verdict("types", "code", "required", Result(UNKNOWN))], "tree")
    assert list(kept.checks) == ["lint"]
    assert kept.checks["lint"].findings == (("E1", "a.py", "x = 1"),)


def test_what_is_no_worse_is_kept_whole_for_the_release_after_the_next():
    found = judged([ERROR, WARNING], "")
    second = Verdict("lint", "code", NO_WORSE, no_worse(found, live(ERROR), first=False), uncompared=found)
    kept = record([second], "tree").checks["lint"]
    assert kept.outcome == FAIL
    assert no_worse(found, kept, first=False).outcome == PASS


def test_the_output_of_a_tool_which_tells_of_what_live_has_too_is_not_shown_beside_what_is_new():
    found = judged([ERROR, OTHER], "", output="all of it")
    assert no_worse(found, live(ERROR), first=False).output == ""
    assert no_worse(Result(FAIL, output="all of it"), live(outcome=PASS), first=False).output == "all of it"
