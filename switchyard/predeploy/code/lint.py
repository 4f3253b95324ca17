"""Rules and layout of the source (ruff, with the application's configuration)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from switchyard.core.wire.message import Foreign, Json, message
from switchyard.predeploy.code.sources import NO_SOURCES
from switchyard.predeploy.code.tool_tables import read_pyproject, read_toml
from switchyard.predeploy.engine.application_files import existing, finding_at
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Finding, Result, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.application_session import named, or_session
from switchyard.predeploy.nox.session import SessionRun, session
from switchyard.predeploy.nox.target import LintOptions
from switchyard.predeploy.nox.tool_result import tool_result


@message(frozen=True)
class RuffLocation(Foreign):
    row: int


@message(frozen=True)
class RuffFix(Foreign):
    applicability: str = ""
    """``safe`` where ruff corrects it by itself."""


@message(frozen=True)
class RuffViolation(Foreign):
    """One entry of ruff's JSON."""

    message: str
    filename: str
    location: RuffLocation
    code: str | None = None
    name: str = ""
    """Stands for a rule without a code, such as ``unformatted``."""
    fix: RuffFix | None = None


def run(subject: Subject) -> Result:
    """Check the rules of the whole folder, and its layout if that is configured."""
    if not subject.setting.sources:
        return skipped(NO_SOURCES)
    has_format = is_format_configured(subject)
    ruff = session("lint", subject, LintOptions(format=has_format, fix=False))
    ruff.code("files", 0)
    files = [line for line in ruff.text("files").splitlines() if line.strip()]
    for name in existing(subject, "sources", subject.setting.sources):
        root = (subject.folder / name).resolve()
        if not any(Path(path).resolve() == root or root in Path(path).resolve().parents for path in files):
            return unknown(
                f"ruff looks at no file of {name}: app.predeploy.sources, or an exclude of its configuration"
            )
    findings = _findings(subject, ruff, "check", 0, 1)
    if has_format:
        # ruff ends with 2 and no layout for a file that it cannot parse: that file is a finding of the rules already.
        findings += _findings(subject, ruff, "format", 0, 1, 2)
    looked_for = "rules and layout" if has_format else "rules; no layout is configured"
    return tool_result("ruff", findings, f"{len(files)} files: {looked_for}", ruff)


def _findings(subject: Subject, ruff: SessionRun, label: str, *known: int) -> list[Finding]:
    ruff.code(label, *known)
    return [
        finding_at(
            subject,
            violation.code or violation.name,
            violation.message,
            violation.filename,
            violation.location.row,
            do="inv predeploy --fix" if violation.fix and violation.fix.applicability == "safe" else "",
        )
        for violation in (RuffViolation.decode(entry, label) for entry in ruff.json_list(label))
    ]


def fix(subject: Subject) -> str:
    """Correct in the work tree what ruff corrects safely. Return ruff's output, or why nothing is corrected."""
    if named("lint", subject):
        return "nothing is corrected: lint is a session of the application's own"
    if not subject.setting.sources:
        return NO_SOURCES
    return session("lint", subject, LintOptions(format=is_format_configured(subject), fix=True)).output


def is_format_configured(subject: Subject) -> bool:
    """Tell whether ruff's configuration for the application's folder has a section on layout."""
    top = subject.top.resolve()
    for folder in (subject.folder.resolve(), *subject.folder.resolve().parents):
        configuration = _ruff_configuration(folder)
        if configuration is not None or folder == top:
            return "format" in (configuration or {})
    return False


def _ruff_configuration(folder: Path) -> Mapping[str, Json] | None:
    """Return what ruff reads in this folder; None where it looks further up."""
    for name in (".ruff.toml", "ruff.toml"):
        if (folder / name).exists():
            return read_toml(folder / name)
    return read_pyproject(folder).ruff


CHECK = or_session(
    Check(
        "lint",
        "code",
        "no rule of the application's ruff configuration is broken",
        "Python files",
        run,
        Path(__file__),
    )
)
