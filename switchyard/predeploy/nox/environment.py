"""The virtual environment of the application's requirements: made once, and anew when they change."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
from pathlib import Path

from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.session import NOXFILE, existing, session
from switchyard.predeploy.nox.target import EnvironmentOptions

PLUGIN = Path(__file__).with_name("each_test.py")
PACKAGE = Path(__file__).resolve().parents[2]
LOCK = next(path for top in (PACKAGE, PACKAGE.parent) if (path := top / "requirements" / "dev.txt").exists())
"""Inside the package where Switchyard is installed, beside it in a checkout."""
NESTED = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)")
LOCAL = re.compile(r"(?:-e|--editable)\b|\.{0,2}/|\.$|\.\[|file:|.*@ *(?:file:|\.)")
"""A requirement that is a folder or a file: what is installed then depends on the tree."""
KEPT = 3
"""Environments that stay: those of the work tree, of the commit that ships, and of the live one."""


def environment(subject: Subject) -> Path:
    """The folder of the environment, shared by all checks of a run. Raises what says why there is none."""
    return Path(subject.once("environment", lambda: _environment(subject)))


def python(subject: Subject) -> Path:
    """Its interpreter."""
    return environment(subject) / "bin" / "python"


def _environment(subject: Subject) -> Path:
    names = existing(subject, "requirements", subject.setting.requirements)
    if not names:
        raise BadInput("app.predeploy.requirements names no file; set it to what the tests are run with, pytest too")
    envs = subject.state / "nox" / _digest(subject, names)
    ready = envs / "ready"
    if not (ready.exists() and (Path(ready.read_text()) / "bin" / "python").exists()):
        _make(subject, names, envs, ready)
    os.utime(envs)
    for old in sorted(envs.parent.iterdir(), key=lambda path: -path.stat().st_mtime)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return Path(ready.read_text())


def _make(subject: Subject, names: list[str], envs: Path, ready: Path) -> None:
    """``ready`` is written last, and names the folder: nox shortens a long path."""
    shutil.rmtree(envs, ignore_errors=True)
    options = EnvironmentOptions(tuple(names), plugin=str(PLUGIN), lock=str(LOCK), ready=str(ready))
    ran = session("environment", subject, options, full_env=True, envs=envs)
    if not ready.exists():
        said = [line.strip() for line in ran.log.read_text(errors="replace").splitlines() if "nox > " not in line]
        why = " ".join(said[-4:]) or "nox said nothing"
        raise NotChecked(f"could not install {', '.join(names)}: {why} (all of it: {ran.log})")


def _digest(subject: Subject, names: list[str]) -> str:
    """Of the requirement files and those that they name, of the interpreter, and of what Switchyard adds."""
    parts = [sys.version, sys.base_prefix, platform.platform(), PLUGIN.read_text(), NOXFILE.read_text()]
    for path in _files([subject.folder / name for name in names]):
        text = path.read_text()
        parts += [str(path.relative_to(subject.top) if path.is_relative_to(subject.top) else path), text]
        if any(LOCAL.match(line.strip()) for line in text.splitlines()):
            parts += [str(subject.folder), subject.tree]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _files(paths: list[Path]) -> list[Path]:
    """Requirement files with those that they include, each once."""
    found: list[Path] = []
    while paths:
        path = paths.pop(0)
        if path not in found and path.is_file():
            found.append(path)
            with contextlib.suppress(UnicodeDecodeError):
                lines = (NESTED.match(line.strip()) for line in path.read_text().splitlines())
                paths += [(path.parent / line[1]).resolve() for line in lines if line and "://" not in line[1]]
    return found
