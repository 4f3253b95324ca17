"""Run one nox session on the application and keep its reports."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.redact import GONE, LEAST, redact
from switchyard.predeploy.engine import process
from switchyard.predeploy.engine.redaction import secrets
from switchyard.predeploy.engine.result import Finding
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox import target
from switchyard.predeploy.nox.target import Options

NOXFILE = Path(__file__).resolve().with_name("application_noxfile.py")
KEPT = ("PATH", "TZ", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that every tool and test sees; tests also those that the settings pass on."""
TAIL = 4000
"""Characters of a log that a result shows."""


@dataclass(frozen=True)
class Ran:
    """What a session left: its log, and for each tool by its label what it printed and its exit code."""

    reports: Path
    ended: bool
    """Whether nox ended by itself; else the limit was reached or the run was cancelled."""

    @property
    def log(self) -> Path:
        """All that was printed."""
        return self.reports / "log"

    @property
    def output(self) -> str:
        """The last lines, without those of nox."""
        lines = self.log.read_text(errors="replace")[-TAIL:].splitlines()
        return "\n".join(line for line in lines if not line.startswith("nox > "))

    def text(self, label: str) -> str:
        """What a tool printed."""
        path = self.reports / label
        return path.read_text(errors="replace") if path.exists() else ""

    def code(self, label: str, *known: int) -> int:
        """A tool's exit code. Raises ``NotChecked`` for one that does not tell of the application."""
        path = self.reports / f"{label}.code"
        if not path.exists() and not self.ended:
            raise NotChecked(f"{label} was not done within the limit (app.predeploy.timeout); all of it: {self.log}")
        if not path.exists():
            raise NotChecked(f"{label} did not run: {self.last(label)} (all of it: {self.log})")
        code = int(path.read_text())
        if code not in known:
            raise NotChecked(f"{label} could not check, it ended with {code}: {self.last(label)} (all: {self.log})")
        return code

    def json(self, label: str) -> Any:
        """What a tool reported."""
        try:
            return json.loads(self.text(label))
        except ValueError:
            raise NotChecked(f"{label} left no report that can be read: {self.last(label)} ({self.log})") from None

    def last(self, label: str) -> str:
        """The last line that says something."""
        said = [line.strip() for line in (self.output + "\n" + self.text(label)).splitlines() if line.strip()]
        return said[-1] if said else "it printed nothing"


TRUSTED = {"UV_SYSTEM_CERTS": "true"}
"""What this machine trusts is trusted by uv as well, as pip does."""


def session(
    name: str,
    subject: Subject,
    options: Options,
    *,
    full_env: bool = False,
    passed: Sequence[str] = (),
    envs: Path | None = None,
) -> Ran:
    """Run a session on the application.

    ``full_env``: the session sees the whole environment, because it needs a network.
    ``passed``: variables that the session sees beside those of every tool.
    ``envs``: the folder for nox's virtual environments.
    """
    reports = subject.reports / name
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True, mode=0o700)
    aim = reports / "target.json"
    target.write(aim, subject.folder, reports, options)
    with tempfile.TemporaryDirectory(prefix="switchyard-") as temporary:
        env = {**TRUSTED, **os.environ} if full_env else clean_env(passed, Path(temporary))
        env |= {target.VARIABLE: str(aim), "PYTHONUNBUFFERED": "1"}
        return nox(NOXFILE, name, subject, reports, env, envs or subject.state / "nox")


def nox(noxfile: Path, name: str, subject: Subject, reports: Path, env: Mapping[str, str], envs: Path) -> Ran:
    """One nox process."""
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
        _redact(reports, secrets(subject))
    (reports / "nox").write_text(str(code))
    if subject.cancelled.is_set():
        raise NotChecked("interrupted")
    return Ran(reports, code is not None)


def clean_env(passed: Sequence[str], temporary: Path) -> dict[str, str]:
    """A home and a temporary folder of their own, what every program needs, and what is passed on."""
    home = temporary / "home"
    home.mkdir()
    missing = [name for name in passed if name not in os.environ]
    if missing:
        raise BadInput(f"app.predeploy.passed: {', '.join(missing)} is not set in the environment")
    shown = {name: os.environ[name] for name in (*KEPT, *passed) if name in os.environ}
    return {"LANG": "C.UTF-8", **shown, "HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}


def _redact(reports: Path, values: list[str]) -> None:
    """No value of the env stays in what tools left, as it is, escaped for XML, or cut short."""
    values = list(dict.fromkeys(spelled for value in values for spelled in (value, html.escape(value))))
    for path in reports.rglob("*") if values else ():
        if path.is_file():
            with contextlib.suppress(UnicodeDecodeError):
                text = path.read_text()
                clean = _without_cut(redact(text, values), values)
                if clean != text:
                    path.write_text(clean)


def _without_cut(text: str, values: list[str]) -> str:
    """Without the beginnings and ends of values that stand beside an ellipsis: pytest shortens what it shows."""
    parts = re.split(r"(\.\.\.|…)", text)
    for at_ellipsis in range(1, len(parts), 2):
        before, after = parts[at_ellipsis - 1], parts[at_ellipsis + 1]
        for value in values:
            for size in range(len(value) - 1, LEAST - 1, -1):
                if before.endswith(value[:size]):
                    before = before[:-size] + GONE
                if after.startswith(value[-size:]):
                    after = GONE + after[size:]
        parts[at_ellipsis - 1], parts[at_ellipsis + 1] = before, after
    return "".join(parts)


def existing(subject: Subject, setting: str, names: list[str]) -> list[str]:
    """Configured files and folders of the application. Raises ``BadInput`` for one that is not there."""
    for name in names:
        path = (subject.folder / name).resolve()
        if not path.is_relative_to(subject.top.resolve()):
            raise BadInput(f"app.predeploy.{setting}: {name} is outside of the repository")
        if not path.exists():
            raise BadInput(f"app.predeploy.{setting}: {name} does not exist in {subject.app.path}; correct the setting")
    return names


def python_files(subject: Subject, names: list[str]) -> list[str]:
    """Python files under these that git does not ignore, relative to the application's folder."""
    everything = subject.once("python files", lambda: _python_files(subject))
    roots = [(subject.folder / name).resolve() for name in names]
    folder = subject.folder.resolve()
    return [
        name for name in everything if any((folder / name) == root or root in (folder / name).parents for root in roots)
    ]


def _python_files(subject: Subject) -> list[str]:
    if subject.clean:
        found = (str(path.relative_to(subject.folder)) for path in subject.folder.rglob("*.py"))
    else:
        from switchyard.control import commit as source

        words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py")
        found = (name for name in source.git(subject.folder, *words).decode().split("\0") if name)
    return sorted(name for name in found if (subject.folder / name).is_file())


def at(subject: Subject, rule: str, what: str, path: str, line: int | None, **more: Any) -> Finding:
    """A finding in a file of the application, with the line's text."""
    full, folder = (subject.folder / path).resolve(), subject.folder.resolve()
    place = str(full.relative_to(folder)) if full.is_relative_to(folder) else path
    text = ""
    with contextlib.suppress(OSError, IndexError, UnicodeDecodeError):
        text = (subject.folder / place).read_text().splitlines()[line - 1].strip() if line else ""
    return Finding(rule, what, place, line, text=text, **more)
