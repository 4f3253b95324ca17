"""The pytest plugin that writes a line for each event."""

from __future__ import annotations

from pathlib import Path

from switchyard.predeploy.nox.each_test import Lines
from switchyard.predeploy.tests.pytest_run import PytestRun


def test_the_reader_understands_what_the_plugin_writes(tmp_path: Path):
    lines = Lines(str(tmp_path / "tests.jsonl"), "/app")
    lines.pytest_xdist_node_collection_finished(["a.py::test"])
    lines.pytest_runtest_logstart("a.py::test")
    lines.write(test="a.py::test", when="call", outcome="passed", seconds=0.5, why="", line=None, file="")
    lines.pytest_sessionfinish()
    run = PytestRun.read((tmp_path / "tests.jsonl").read_text())
    assert (run.root, run.collected) == ("/app", ("a.py::test",))
    assert run.outcome == {"a.py::test": "passed"} and run.finished
