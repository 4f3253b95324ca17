"""Coverage: what the suites reach together."""

from __future__ import annotations

from fractions import Fraction

import pytest

from switchyard.predeploy.engine.result import SKIPPED
from switchyard.predeploy.tests import coverage
from tests.harness.predeploy_case import (
    FILES,
    HALF,
    HALF_COVERED,
    HALF_TEST,
    Case,
    checked,
    holds,
    python,
    seen,
)

CASES: dict[str, tuple[Case, Case]] = {
    "coverage": (
        HALF_COVERED,
        Case(
            files={
                "shop/half.py": HALF,
                "tests/unit/test_half.py": HALF_TEST,
                "tests/smoke/test_other.py": python("""
                    import subprocess
                    import sys


                    def test_in_a_process_of_its_own():
                        code = "from shop.half import other; assert other() == 2"
                        subprocess.run([sys.executable, "-c", code], check=True)
                """),
            },
            setting={"coverage": 99.9},
            says="100 % of 8 statements and 2 branches in 3 of 3 files, by unit, smoke, integration",
        ),
    ),
}
"""A violation that the check finds, and an innocent that looks like one."""


UNKNOWN: dict[str, Case] = {
    "coverage of no sources is none": Case(setting={"sources": []}, says="set app.predeploy.sources"),
    "coverage after a failed suite is none": Case(
        files={"tests/smoke/test_smoke.py": "x = 1\n"},
        says="smoke left no data of all its tests in this tree",
    ),
}


def test_it_finds_what_is_planted(checkout, tmp_path):
    holds(CASES["coverage"][0], checked("coverage", CASES["coverage"][0], checkout, tmp_path))


def test_it_leaves_alone_what_only_looks_wrong(checkout, tmp_path):
    holds(CASES["coverage"][1], checked("coverage", CASES["coverage"][1], checkout, tmp_path))


@pytest.mark.parametrize("title", UNKNOWN)
def test_it_never_passes_where_it_cannot_look(title, checkout, tmp_path):
    check = checked("coverage", UNKNOWN[title], checkout, tmp_path)
    assert check["outcome"] == "unknown", check["screen"]
    assert UNKNOWN[title].says in seen(check)


def test_a_kept_pass_of_unit_keeps_its_data_and_is_run_again_without(checkout, tmp_path):
    app = checkout.application(tmp_path, Case())
    first = checkout.checks(app, "tests")
    assert {check["outcome"] for check in first.values()} == {"pass"}, first["unit"]["screen"]
    again = checkout.checks(app, "tests")
    assert [name for name, check in again.items() if check["cached"]] == ["unit"]
    assert again["coverage"]["outcome"] == "pass"
    for path in (checkout.folder / ".switchyard/checks/shop/coverage/unit").glob("*/*"):
        path.unlink()
    third = checkout.checks(app, "tests")
    assert (third["unit"]["cached"], third["coverage"]["outcome"]) == (None, "pass")


def test_the_limit_itself_is_not_enough_and_a_little_below_it_is(checkout, tmp_path):
    planted, _ = CASES["coverage"]
    case = Case(files=planted.files, setting={**planted.setting, "coverage": 74.99})
    app = checkout.application(tmp_path, case)
    assert checkout.checks(app, "tests")["coverage"]["outcome"] == "pass"


def test_what_nothing_imports_or_the_application_leaves_out_counts_and_is_named(checkout, tmp_path):
    files = {
        "shop/forgotten/part.py": "x = 1\ny = 2\n",
        "shop/hidden.py": "x = 1\n",
        "shop/price.py": FILES["shop/price.py"] + "\n\ndef unused() -> None:  # pragma: no cover\n    print()\n",
        ".coveragerc": "[run]\nomit = shop/hidden.py\n[report]\nexclude_also = print\n",
    }
    app = checkout.application(tmp_path, Case(files=files))
    check = checkout.checks(app, "tests")["coverage"]
    assert check["facts"]["files"] == 4
    assert check["facts"]["statements"] == 9
    assert check["outcome"] == "fail"
    assert "counts all the same: run omit shop/hidden.py; exclude list print; 1 times pragma" in check["reason"]


def test_a_source_that_no_report_has_is_a_finding(checkout, tmp_path):
    app = checkout.application(tmp_path, Case(files={"shop/broken.py": "def f(:\n"}))
    check = checkout.checks(app, "tests")["coverage"]
    assert ("not-measured", "shop/broken.py") in [(each["rule"], each["place"]) for each in check["findings"]]


def test_lines_and_branches_count_alike_and_exactly():
    file = coverage.FileSummary(2, 2, 0, 1, 0)
    assert coverage.Total.of([file, file]).percent == Fraction(200, 3)


def test_without_tests_it_is_skipped(subject):
    assert coverage.CHECK.run(subject).outcome == SKIPPED
