"""The result of a check that ran a tool in a nox session."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence

from switchyard.predeploy.engine.result import Finding, Result, judged
from switchyard.predeploy.nox.session import SessionRun


def tool_result(tool: str, findings: Sequence[Finding], reason: str, run: SessionRun) -> Result:
    """Judge the findings. The result names the tool's version, the end of its output and its log."""
    version = importlib.metadata.version(tool)
    return judged(findings, f"{reason}, {tool} {version}", tools={tool: version}, output=run.output, log=str(run.log))
