"""The table of the test command counts what the reports say, and nothing less than everything is a pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.ci_table import Suite, problems, read, table

REPORT = """<testsuites><testsuite name="pytest">
<testcase classname="a" name="passes"/>
<testcase classname="a" name="fails"><failure message="x">x</failure></testcase>
<testcase classname="a" name="breaks twice"><failure message="x">x</failure></testcase>
<testcase classname="a" name="breaks twice"><error message="x">x</error></testcase>
<testcase classname="a" name="is skipped"><skipped message="x">x</skipped></testcase>
</testsuite></testsuites>"""


def test_a_test_that_fails_twice_is_one_failed_test(tmp_path: Path) -> None:
    report = tmp_path / "unit.xml"
    report.write_text(REPORT)
    suite = read(report)
    assert (suite.name, suite.collected, suite.passed, suite.failed, suite.skipped) == ("unit", 4, 1, 2, 1)


def test_the_table_has_a_line_for_each_suite() -> None:
    lines = table([Suite("unit", 12, 1, 2), Suite("e2e", 3, 0, 0)]).splitlines()
    assert [line.split() for line in lines] == [
        ["suite", "collected", "passed", "failed", "skipped"],
        ["unit", "12", "9", "1", "2"],
        ["e2e", "3", "3", "0", "0"],
    ]


def test_suites_that_passed_whole_are_a_pass() -> None:
    assert problems([Suite("unit", 5, 0, 0)], {"unit": 5}) == []


@pytest.mark.parametrize(
    ("counts", "problem"),
    [((5, 1, 0), "1 failed"), ((5, 0, 1), "1 skipped"), ((4, 0, 0), "4 tests collected, at least 5 expected")],
)
def test_a_failure_a_skip_or_a_shrunken_suite_is_no_pass(counts: tuple[int, int, int], problem: str) -> None:
    assert problems([Suite("unit", *counts)], {"unit": 5}) == [f"unit: {problem}"]


def test_a_suite_that_never_ran_is_no_pass() -> None:
    assert problems([], {"e2e": 5}) == ["e2e: 0 tests collected, at least 5 expected"]
