"""The results as JSON and JUnit."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from switchyard.predeploy.engine import report_files
from switchyard.predeploy.engine.gate import REQUIRED, Verdict
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.predeploy.engine.result import UNKNOWN, Result
from tests.harness.predeploy_case import Case

COUNTED = ("tests", "failures", "errors", "skipped")


def test_what_failed_is_told_with_its_last_lines_and_where_all_of_them_are_and_junit_has_it_all(checkout, tmp_path):
    said = "".join(f"    print('line', {number})\n" for number in range(50))
    failing = f"def test_it():\n{said}    print('\\a and the last')\n    assert 90 == 91\n"
    files = {"tests/unit/test_price.py": failing, "tests/smoke/test_smoke.py": "x = 1\n"}
    setting = {"tests": {"unit": "tests/unit", "smoke": "tests/smoke"}}
    app = checkout.application(tmp_path / "app", Case(files=files, setting=setting))
    junit = tmp_path / "told" / "junit.xml"
    unit = checkout.checks(app, "lint", "unit", "smoke", "integration", words=("--junit", str(junit)))["unit"]
    shown, _, rest = unit["screen"].partition("\nunit: fail")[2].partition("  the whole output: ")
    last = [line for line in shown.splitlines() if line.startswith("  | ")]
    assert len(last) == 20 and any("assert 90 == 91" in line for line in last)
    log = Path(rest.splitlines()[0])
    assert "line 0\n" in log.read_text() and "line 0\n" not in unit["screen"]

    whole = {suite.get("name"): suite for suite in ElementTree.parse(junit).getroot()}
    counts = {name: [suite.get(key) for key in COUNTED] for name, suite in whole.items()}
    assert counts == {"code": ["1", "0", "0", "0"], "tests": ["3", "1", "1", "1"]}
    cases = {case.get("name"): [(part.tag, part.get("message"), part.text) for part in case] for case in whole["tests"]}
    ((tag, message, text),) = cases["unit"]
    assert tag == "failure" and message == unit["reason"]
    assert (
        "tests/unit/test_price.py:53: tests/unit/test_price.py::test_it failed: assert 90 == 91 [failed-test]" in text
    )
    assert "\n and the last\n" in text
    assert [each[:2] for each in cases["smoke"]] == [("error", "no test was collected in tests/smoke")]
    assert [tag for tag, *_ in cases["integration"]] == ["skipped"]
    assert [list(case) for case in whole["code"]] == [[]]


@pytest.mark.parametrize("flag", ["--json", "--junit"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "it is a folder"),
        ("/proc/told", ""),
        ("tasks.py/told", "File exists"),
        ("o" * 300, "too long"),
    ],
)
def test_a_file_for_the_results_that_cannot_be_written_is_told_before_anything_is_checked(
    flag, name, words, checkout, tmp_path
):
    done = checkout.run(checkout.application(tmp_path, Case()), "--only", "lint", flag, name)
    assert done.returncode == 2 and done.stdout == "", done.stdout
    assert done.stderr.startswith(f"{flag} {name}: ") and words in done.stderr and "Traceback" not in done.stderr
    assert "name a file that can be written" in done.stderr


def test_an_unknown_is_an_error_in_junit_without_characters_that_xml_cannot_hold(tmp_path):
    verdict = Verdict("audit", "code", REQUIRED, Result(UNKNOWN, "no \x00answer"))
    (suite,) = ElementTree.fromstring(report_files.as_junit([verdict]))
    assert suite.get("errors") == "1"
    assert [(part.tag, part.get("message")) for part in suite[0]] == [("error", "no answer")]


def test_both_files_are_written_whole_and_nothing_is_left_beside_them(tmp_path):
    options = CheckOptions(json=str(tmp_path / "new" / "a.json"), junit=str(tmp_path / "a.xml"))
    report_files.write(options, [Verdict("audit", "code", REQUIRED, Result(UNKNOWN, "no answer"))], "t" * 40)
    assert json.loads((tmp_path / "new" / "a.json").read_text())["outcome"] == "unknown"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.json", "a.xml", "new"]
