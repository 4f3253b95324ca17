"""The table of long runs has all that ran, and less than everything passed is no pass."""

from __future__ import annotations

import pytest

from scripts import long_runs
from scripts.ci_table import Case
from scripts.long_runs import Run

TESTS = {
    "a::passes": Case((), 2.4),
    "a::fails": Case((("failure", "x"),), 1.0),
    "a::breaks": Case((("error", "x"),), 1.0),
    "a::skips": Case((("skipped", "x"),), 0.0),
}


def test_each_test_of_the_report_has_a_row_below_the_commit() -> None:
    lines = long_runs.table("1234567", long_runs.of_tests(TESTS)).splitlines()
    assert lines[0] == "commit 1234567"
    assert [line.split() for line in lines[2:]] == [
        ["a::passes", "passed", "2"],
        ["a::fails", "failed", "1"],
        ["a::breaks", "failed", "1"],
        ["a::skips", "skipped", "0"],
    ]


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [((), 1), (("passed",), 0), (("passed", "passed"), 0), (("passed", "failed"), 1), (("passed", "skipped"), 1)],
)
def test_only_what_ran_and_passed_whole_is_a_pass(outcomes: tuple[str, ...], code: int) -> None:
    assert long_runs.code([Run("x", outcome, 1.0) for outcome in outcomes]) == code


def test_the_commit_is_that_of_this_tree() -> None:
    assert len(long_runs.commit().split(",")[0]) >= 7
