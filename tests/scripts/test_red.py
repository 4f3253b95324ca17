"""An instance is red only where its own statement fails before the mend, and the table hides nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import red
from scripts.ci_table import Case, cases
from scripts.red import Instance


def failed(message: str) -> Case:
    return Case((("failure", message),), 1.0)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (Case((), 1.0), "green"),
        (failed("AssertionError: nothing to do\nassert 0 == 1"), "red: AssertionError: nothing to do"),
        (failed("assert 0 == 1"), "red: assert 0 == 1"),
        (failed("Failed: DID NOT RAISE <class 'OSError'>"), "red: Failed: DID NOT RAISE <class 'OSError'>"),
        (Case((("failure", "assert 0 == 1"), ("error", "failed on teardown")), 1.0), "red: assert 0 == 1"),
        (failed("ModuleNotFoundError: No module named 'x'\nmore"), "error: ModuleNotFoundError: No module named 'x'"),
        (failed("subprocess.TimeoutExpired: it waits"), "error: subprocess.TimeoutExpired: it waits"),
        (failed("AssertionError: \nNo idea what '--new' is!\nassert 2 == 0"), "error: No idea what '--new' is!"),
        (Case((("error", "failed on setup"),), 1.0), "error: failed on setup"),
        (Case((("error", "failed on teardown"),), 1.0), "error: failed on teardown"),
        (Case((("skipped", "no engine"),), 1.0), "skipped: no engine"),
        (failed(""), "error: no message"),
    ],
)
def test_a_test_that_ends_for_another_reason_than_its_statement_is_not_red(case: Case, verdict: str) -> None:
    assert red.verdict(case) == verdict


def test_each_instance_of_either_run_has_a_row_and_what_is_not_as_it_should_be_is_named() -> None:
    green, broken = Case((), 1.0), failed("assert 0")
    instances = red.compare({"a": broken, "b": green, "c": broken}, {"a": green, "b": green, "d": broken})
    assert instances == [
        Instance("a", "red: assert 0", "green"),
        Instance("b", "green", "green"),
        Instance("c", "red: assert 0", None),
        Instance("d", None, "red: assert 0"),
    ]
    rows = [line.split() for line in red.table(instances).splitlines()[1:]]
    assert rows == [["a", "yes", "yes"], ["b", "NO", "yes"], ["c", "yes", "NO"], ["d", "NO", "NO"]]
    assert red.remarks(instances) == [
        "a: red: assert 0",
        "c: red: assert 0",
        "not red before: b: green",
        "not red before: d: not run",
        "not green after: c: not run",
        "not green after: d: red: assert 0",
    ]


@pytest.mark.parametrize(
    ("instances", "code"),
    [
        ([], 1),
        ([Instance("a", "red", "green")], 0),
        ([Instance("a", "green", "green")], 0),
        ([Instance("a", "red", "red")], 1),
        ([Instance("a", "red", None)], 1),
        ([Instance("a", "red", "skipped: x")], 1),
        ([Instance("a", "red", "green"), Instance("b", "red", "error: x")], 1),
    ],
)
def test_only_instances_that_are_all_green_after_are_a_pass(instances: list[Instance], code: int) -> None:
    assert red.code(instances) == code


def test_pytest_itself_writes_a_failed_statement_so_that_it_counts_as_red(tmp_path: Path) -> None:
    (tmp_path / "test_these.py").write_text(
        "import pytest\n"
        "def test_bare(): assert 1 == 2\n"
        "def test_words(): assert 1 == 2, 'said'\n"
        "def test_raises():\n    with pytest.raises(OSError): pass\n"
        "def test_import(): import no_such_module\n"
        "@pytest.fixture\ndef broken(): assert False\n"
        "def test_setup(broken): pass\n"
        "def test_passes(): pass\n"
    )
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={tmp_path}", f"--junit-xml={report}", str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    verdicts = {name.rpartition("::")[2]: red.verdict(case) for name, case in cases(report).items()}
    assert verdicts.pop("test_import").startswith("error: ModuleNotFoundError")
    assert verdicts.pop("test_setup").startswith("error: ")
    assert verdicts == {
        "test_bare": "red: assert 1 == 2",
        "test_words": "red: AssertionError: said",
        "test_raises": "red: Failed: DID NOT RAISE OSError",
        "test_passes": "green",
    }
