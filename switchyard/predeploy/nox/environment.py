"""The virtual environment with the application's requirements: built once, and again when they change."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from switchyard.control.compose_reads import leads_out
from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.engine.application_files import existing
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.session import NOXFILE, session
from switchyard.predeploy.nox.target import EnvironmentOptions
from switchyard.predeploy.nox.variables import of_installing

PACKAGE = Path(__file__).resolve().parents[2]
LOCK = next(path for top in (PACKAGE, PACKAGE.parent) if (path := top / "requirements" / "dev.txt").exists())
"""Inside the package where Switchyard is installed, beside it in a checkout."""
PLUGIN = Path(__file__).with_name("each_test.py")
NESTED = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)")
LOCAL = re.compile(r"(?:-e|--editable)\b|\.{0,2}/|\.$|\.\[|file:|.*@ *(?:file:|\.)")
"""A requirement that is a folder or a file: what it installs depends on the tree."""
KEPT = 3
"""How many environments stay: those of the work tree, of the commit that ships, and of the live one."""


def environment(subject: Subject) -> Path:
    """Return the environment's folder, which all checks of a run share. Raise if it cannot be built."""
    return subject.once("environment", lambda: _environment(subject))


def python(subject: Subject) -> Path:
    """Return the environment's interpreter."""
    return environment(subject) / "bin" / "python"


def packages_file(subject: Subject) -> Path:
    """Return the file that lists the installed packages, one ``name==version`` a line."""
    return environment(subject) / "packages.txt"


def _environment(subject: Subject) -> Path:
    names = existing(subject, "requirements", subject.setting.requirements)
    if not names:
        raise BadInput("app.predeploy.requirements names no file; set it to the requirements of the tests, pytest too")
    envs = subject.state / "nox" / _digest(subject, names)
    ready = envs / "ready"
    if not (ready.exists() and (Path(ready.read_text()) / "bin" / "python").exists()):
        _build(subject, names, envs, ready)
    os.utime(envs)
    for old in sorted(envs.parent.iterdir(), key=lambda path: -path.stat().st_mtime)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return Path(ready.read_text())


def _build(subject: Subject, names: Sequence[str], envs: Path, ready: Path) -> None:
    """Build the environment. The session writes ``ready`` last, with the folder's name: nox shortens a long path."""
    shutil.rmtree(envs, ignore_errors=True)
    options = EnvironmentOptions(tuple(names), plugin=str(PLUGIN), lock=str(LOCK), ready=str(ready))
    run = session("environment", subject, options, variables=of_installing, envs=envs)
    if not ready.exists():
        log = run.log.read_text(errors="replace").splitlines()
        lines = [line.strip() for line in log if "nox > " not in line]
        why = " ".join(lines[-4:]) or "nox printed nothing"
        raise NotChecked(f"could not install {', '.join(names)}: {why} (all of it: {run.log})")


def _digest(subject: Subject, names: Sequence[str]) -> str:
    """Hash the requirement files with those that they include, the interpreter, and what Switchyard adds."""
    parts = [sys.version, sys.base_prefix, platform.platform(), PLUGIN.read_text(), NOXFILE.read_text()]
    for path in _with_included([subject.folder / name for name in names], subject.top):
        text = path.read_text()
        parts += [str(path.relative_to(subject.top) if path.is_relative_to(subject.top) else path), text]
        if any(LOCAL.match(line.strip()) for line in text.splitlines()):
            parts += [str(subject.folder), subject.tree]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _with_included(paths: list[Path], top: Path) -> list[Path]:
    """Return requirement files with those that they include, each once. Raise ``BadInput`` for one outside of the top.

    An installer that cannot read a file shows its lines.
    """
    files: list[Path] = []
    while paths:
        path = paths.pop(0)
        if leads_out(path, top):
            raise BadInput(f"app.predeploy.requirements lead to {path}, which is outside of the repository: commit it")
        if path not in files and path.is_file():
            files.append(path)
            with contextlib.suppress(UnicodeDecodeError):
                lines = (NESTED.match(line.strip()) for line in path.read_text().splitlines())
                paths += [(path.parent / line[1]).resolve() for line in lines if line and "://" not in line[1]]
    return files
