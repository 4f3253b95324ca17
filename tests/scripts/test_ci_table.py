"""The table of the test command counts what the reports say, and nothing less than everything is a pass."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
REPORT = """<testsuites><testsuite name="pytest">
<testcase classname="a" name="passes"/>
<testcase classname="a" name="fails"><failure message="x">x</failure></testcase>
<testcase classname="a" name="breaks twice"><failure message="x">x</failure></testcase>
<testcase classname="a" name="breaks twice"><error message="x">x</error></testcase>
<testcase classname="a" name="is skipped"><skipped message="x">x</skipped></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def ci_table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_table", SCRIPTS / "ci_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ci_table", module)
    spec.loader.exec_module(module)
    return module


def test_a_test_that_fails_twice_is_one_failed_test(ci_table: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "unit.xml"
    report.write_text(REPORT)
    suite = ci_table.read(report)
    assert (suite.name, suite.collected, suite.passed, suite.failed, suite.skipped) == ("unit", 4, 1, 2, 1)


def test_the_table_has_a_line_for_each_suite(ci_table: ModuleType) -> None:
    lines = ci_table.table([ci_table.Suite("unit", 12, 1, 2), ci_table.Suite("e2e", 3, 0, 0)]).splitlines()
    assert [line.split() for line in lines] == [
        ["suite", "collected", "passed", "failed", "skipped"],
        ["unit", "12", "9", "1", "2"],
        ["e2e", "3", "3", "0", "0"],
    ]


def test_suites_that_passed_whole_are_a_pass(ci_table: ModuleType) -> None:
    assert ci_table.faults([ci_table.Suite("unit", 5, 0, 0)], {"unit": 5}) == []


@pytest.mark.parametrize(
    ("counts", "fault"),
    [((5, 1, 0), "1 failed"), ((5, 0, 1), "1 skipped"), ((4, 0, 0), "4 tests collected, at least 5 expected")],
)
def test_a_failure_a_skip_or_a_shrunken_suite_is_no_pass(
    ci_table: ModuleType, counts: tuple[int, int, int], fault: str
) -> None:
    assert ci_table.faults([ci_table.Suite("unit", *counts)], {"unit": 5}) == [f"unit: {fault}"]


def test_a_suite_that_never_ran_is_no_pass(ci_table: ModuleType) -> None:
    assert ci_table.faults([], {"e2e": 5}) == ["e2e: 0 tests collected, at least 5 expected"]
