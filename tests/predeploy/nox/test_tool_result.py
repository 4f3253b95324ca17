"""The result of a check that ran a tool."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from switchyard.predeploy.engine.result import FAIL, Finding
from switchyard.predeploy.nox.session import SessionRun
from switchyard.predeploy.nox.tool_result import tool_result


def test_it_names_the_tools_version_the_end_of_its_output_and_its_log(tmp_path: Path):
    (tmp_path / "log").write_text("nox > Running session lint\nthe last line\n")
    result = tool_result("ruff", [Finding("F401", "unused")], "1 file", SessionRun(tmp_path, ended=True))
    version = importlib.metadata.version("ruff")
    assert (result.outcome, result.reason, result.tools) == (FAIL, f"1 file, ruff {version}", {"ruff": version})
    assert (result.output, result.log) == ("the last line", str(tmp_path / "log"))
