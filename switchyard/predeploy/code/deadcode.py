"""Code that nothing can reach or use (vulture)."""

from __future__ import annotations

import re
from pathlib import Path

from switchyard.predeploy.code.sources import NO_SOURCES
from switchyard.predeploy.code.tool_tables import read_pyproject
from switchyard.predeploy.engine.application_files import existing, finding_at, python_files
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Finding, Result, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.application_session import or_session
from switchyard.predeploy.nox.session import session
from switchyard.predeploy.nox.target import DeadcodeOptions
from switchyard.predeploy.nox.tool_result import tool_result

LINE = re.compile(r"(.+?):(\d+): (.+) \(\d+% confidence(?:, \d+ lines?)?\)")
"""A line of vulture's output: path, line number and fault."""


def run(subject: Subject) -> Result:
    """Look for dead code in the sources, without the application's configuration of vulture."""
    if not subject.setting.sources:
        return skipped(NO_SOURCES)
    sources = existing(subject, "sources", subject.setting.sources)
    files = python_files(subject, sources)
    if not files:
        return unknown(f"no Python file in {', '.join(sources)}; set app.predeploy.sources to where the code is")
    allowlist = [subject.setting.allowlist] if subject.setting.allowlist else []
    existing(subject, "allowlist", allowlist)
    vulture = session("deadcode", subject, DeadcodeOptions((*files, *allowlist)))
    code = vulture.code("vulture", 0, 3)
    findings = _findings(subject, vulture.text("vulture"))
    if code == 3 and not findings:
        return unknown(f"vulture reported dead code in words that are not understood: {vulture.last_line('vulture')}")
    reason = f"{len(files)} files at a confidence of 80 %" + (f", allowed by {allowlist[0]}" if allowlist else "")
    ignored = read_pyproject(subject.folder).vulture
    reason += f", without {', '.join(ignored)} of [tool.vulture] in pyproject.toml" if ignored else ""
    return tool_result("vulture", findings, reason, vulture)


def _findings(subject: Subject, output: str) -> list[Finding]:
    findings = []
    for match in filter(None, map(LINE.fullmatch, output.splitlines())):
        path, number, what = match.groups()
        rule = "-".join(re.sub(r"'[^']*'", "", what).split()[:2])
        do = "delete it, or name it in the file that app.predeploy.allowlist names"
        findings.append(finding_at(subject, rule, what, path, int(number), do=do))
    return findings


CHECK = or_session(
    Check(
        "deadcode",
        "code",
        "vulture finds no unused or unreachable code at 80 %",
        "Python files",
        run,
        Path(__file__),
    )
)
