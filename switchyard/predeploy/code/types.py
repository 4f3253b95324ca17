"""The types of the modules that the settings name (mypy, with the application's own configuration)."""

from __future__ import annotations

from pathlib import Path

from switchyard.core.wire import json_text
from switchyard.core.wire.message import Foreign, message
from switchyard.predeploy.engine.application_files import existing, finding_at, python_files
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Result, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.application_session import or_session
from switchyard.predeploy.nox.environment import python
from switchyard.predeploy.nox.session import session
from switchyard.predeploy.nox.target import TypesOptions
from switchyard.predeploy.nox.tool_result import tool_result


@message(frozen=True)
class MypyMessage(Foreign):
    """One line of mypy's JSON."""

    file: str
    line: int
    message: str
    severity: str
    code: str | None = None
    hint: str | None = None


def run(subject: Subject) -> Result:
    """Check the types of the named modules."""
    if not subject.setting.modules:
        return skipped("no modules are named: set app.predeploy.modules to the files and folders to look at")
    modules = existing(subject, "modules", subject.setting.modules)
    interpreter = str(python(subject)) if subject.setting.requirements else None
    mypy = session("types", subject, TypesOptions(tuple(modules), str(subject.state / "mypy"), interpreter))
    lines = [line for line in mypy.text("mypy").splitlines() if line.startswith("{")]
    messages = [MypyMessage.decode(json_text.parse(line), "mypy") for line in lines]
    if messages and mypy.code("mypy", 0, 1, 2) == 2:
        first = messages[0]
        return unknown(f"mypy could not check: {first.file}:{first.line}: {first.message}", log=str(mypy.log))
    mypy.code("mypy", 0, 1)
    findings = [
        finding_at(subject, error.code or "mypy", error.message, error.file, error.line, do=error.hint or "")
        for error in messages
        if error.severity == "error"
    ]
    return tool_result("mypy", findings, f"{len(python_files(subject, modules))} files of {', '.join(modules)}", mypy)


CHECK = or_session(
    Check(
        "types",
        "code",
        "the modules that the settings name have no type errors (mypy)",
        "modules",
        run,
        Path(__file__),
    )
)
