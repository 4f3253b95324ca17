"""Run one nox session on the application and keep its reports."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from switchyard.core.errors import NotChecked
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json
from switchyard.predeploy.engine import process
from switchyard.predeploy.engine.redaction import redactor, secrets
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox import target
from switchyard.predeploy.nox.redact_reports import redact_reports
from switchyard.predeploy.nox.target import Options
from switchyard.predeploy.nox.variables import of_tools

NOXFILE = Path(__file__).resolve().with_name("application_noxfile.py")
TAIL = 4000
"""Characters of a log that a result shows."""


@dataclass(frozen=True)
class SessionRun:
    """What a session left: its log, and each tool's output and exit code by the tool's label."""

    reports: Path
    ended: bool
    """Whether nox ended by itself, before the time limit and without Ctrl-C."""

    @property
    def log(self) -> Path:
        """Everything that the session printed."""
        return self.reports / "log"

    @property
    def output(self) -> str:
        """The last lines of the log, without nox's own."""
        lines = self.log.read_text(errors="replace")[-TAIL:].splitlines()
        return "\n".join(line for line in lines if not line.startswith("nox > "))

    def text(self, label: str) -> str:
        """Return a tool's output; empty if there is none."""
        path = self.reports / label
        return path.read_text(errors="replace") if path.exists() else ""

    def code(self, label: str, *known: int) -> int:
        """Return a tool's exit code. Raise ``NotChecked`` for one that says nothing about the application."""
        path = self.reports / f"{label}.code"
        if not path.exists() and not self.ended:
            raise NotChecked(f"{label} was not done within the limit (app.predeploy.timeout); all of it: {self.log}")
        if not path.exists():
            raise NotChecked(f"{label} did not run: {self.last_line(label)} (all of it: {self.log})")
        code = int(path.read_text())
        if code not in known:
            raise NotChecked(
                f"{label} could not check, it ended with {code}: {self.last_line(label)} (all: {self.log})"
            )
        return code

    def json(self, label: str) -> Json:
        """Return a tool's report. Raise ``NotChecked`` if it is no JSON."""
        try:
            content: Json = json_text.parse(self.text(label))
        except ValueError:
            raise NotChecked(f"{label} left no readable report: {self.last_line(label)} ({self.log})") from None
        return content

    def json_list(self, label: str) -> Sequence[Json]:
        """Return a tool's report that is a list. Raise ``NotChecked`` if it is none."""
        content = self.json(label)
        if not isinstance(content, list):
            raise NotChecked(f"{label} left a report that is no list ({self.log})")
        return content

    def last_line(self, label: str) -> str:
        """Return the last line that a tool printed."""
        lines = [line.strip() for line in (self.output + "\n" + self.text(label)).splitlines() if line.strip()]
        return lines[-1] if lines else "it printed nothing"


def session(
    name: str,
    subject: Subject,
    options: Options,
    *,
    variables: Callable[[Subject, Path], Mapping[str, str]] = of_tools,
    envs: Path | None = None,
) -> SessionRun:
    """Run a session of the application noxfile.

    ``variables``: makes the session's environment, with a temporary folder of its own.
    ``envs``: the folder for nox's virtual environments.
    """
    reports = fresh_reports(subject, name)
    aim = reports / "target.json"
    target.write(aim, subject.folder, reports, options)
    with tempfile.TemporaryDirectory(prefix="switchyard-") as temporary:
        env = {**variables(subject, Path(temporary)), target.VARIABLE: str(aim), "PYTHONUNBUFFERED": "1"}
        return nox(NOXFILE, name, subject, reports, env, envs or subject.state / "nox")


def fresh_reports(subject: Subject, name: str) -> Path:
    """Make an empty folder for a session's reports."""
    reports = subject.reports / name
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True, mode=0o700)
    return reports


def nox(noxfile: Path, name: str, subject: Subject, reports: Path, env: Mapping[str, str], envs: Path) -> SessionRun:
    """Run one nox process. Raise ``NotChecked`` after Ctrl-C."""
    command = [sys.executable, "-m", "nox", "--noxfile", str(noxfile), "--envdir", str(envs), "--session", name]
    command += ["--report", str(reports / "nox.json")]
    try:
        code = process.run(
            command,
            folder=subject.folder,
            env=env,
            log=reports / "log",
            limit=subject.setting.timeout,
            cancelled=subject.cancelled,
        )
    finally:
        redact_reports(reports, redactor(subject), secrets(subject))
    (reports / "nox").write_text(str(code))
    if subject.cancelled.is_set():
        raise NotChecked("interrupted")
    return SessionRun(reports, code is not None)
