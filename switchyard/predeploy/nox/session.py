"""Run one nox session on the application and keep its reports."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.git_variables import without_repository
from switchyard.core.wire.message import Json
from switchyard.predeploy.engine import process
from switchyard.predeploy.engine.redaction import secrets
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox import target
from switchyard.predeploy.nox.redact_reports import redact_reports
from switchyard.predeploy.nox.target import Options

NOXFILE = Path(__file__).resolve().with_name("application_noxfile.py")
ALWAYS_PASSED = ("PATH", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Environment variables that every tool and test sees; tests also see those of ``app.predeploy.passed``."""
TRUSTED = {"UV_SYSTEM_CERTS": "true"}
"""Makes uv trust what this machine trusts, as pip does."""
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
            content: Json = json.loads(self.text(label))
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
    full_env: bool = False,
    passed: Sequence[str] = (),
    envs: Path | None = None,
) -> SessionRun:
    """Run a session of the application noxfile.

    ``full_env``: the session sees the whole environment, because it needs a network.
    ``passed``: variables that the session sees beside those of every tool.
    ``envs``: the folder for nox's virtual environments.
    """
    reports = fresh_reports(subject, name)
    aim = reports / "target.json"
    target.write(aim, subject.folder, reports, options)
    with tempfile.TemporaryDirectory(prefix="switchyard-") as temporary:
        env = {**TRUSTED, **without_repository(os.environ)} if full_env else clean_env(passed, Path(temporary))
        env |= {target.VARIABLE: str(aim), "PYTHONUNBUFFERED": "1"}
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
        redact_reports(reports, secrets(subject))
    (reports / "nox").write_text(str(code))
    if subject.cancelled.is_set():
        raise NotChecked("interrupted")
    return SessionRun(reports, code is not None)


def clean_env(passed: Sequence[str], temporary: Path) -> dict[str, str]:
    """Return an environment with a home and a temporary folder of its own, and the variables that pass."""
    home = temporary / "home"
    home.mkdir()
    missing = [name for name in passed if name not in os.environ]
    if missing:
        raise BadInput(f"app.predeploy.passed: {', '.join(missing)} is not set in the environment")
    env = {name: os.environ[name] for name in (*ALWAYS_PASSED, *passed) if name in os.environ}
    return {"LANG": "C.UTF-8", **env, "HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
