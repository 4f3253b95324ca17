"""The nox sessions that predeploy runs on an application."""

from __future__ import annotations

from pathlib import Path

from switchyard.predeploy.nox import application_noxfile, environment
from switchyard.predeploy.nox.target import Target


def test_a_tools_output_and_exit_code_go_to_the_reports(tmp_path: Path):
    aim = Target(str(tmp_path), str(tmp_path), {})
    assert application_noxfile.tool(aim, "label", "/bin/sh", "-c", "echo said; exit 3") == 3
    assert ((tmp_path / "label").read_text(), (tmp_path / "label.code").read_text()) == ("said\n", "3")


def test_failed_tests_are_named_from_any_folder(tmp_path: Path):
    lines = tmp_path / "tests.jsonl"
    assert application_noxfile.failures(lines) == []
    lines.write_text(
        '{"root": "/app", "pytest": "9"}\n'
        '{"test": "a.py::one", "when": "call", "outcome": "failed", "seconds": 0.1}\n'
        '{"test": "a.py::two", "when": "call", "outcome": "passed", "seconds": 0.1}\n'
        '{"test": "a.py::t'
    )
    assert application_noxfile.failures(lines) == ["/app/a.py::one"]


def test_the_lock_file_pins_the_coverage_that_an_application_lacks():
    lines = application_noxfile.locked("coverage", environment.LOCK)
    assert lines.startswith("coverage==") and "--hash=sha256:" in lines
