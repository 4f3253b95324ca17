"""Files of the application: those that the settings name, its Python code, and findings in them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from switchyard.control import work_tree
from switchyard.core.errors import BadInput
from switchyard.core.regular_file import read_regular
from switchyard.predeploy.engine.result import Finding
from switchyard.predeploy.engine.subject import Subject


def existing(subject: Subject, setting: str, names: Sequence[str]) -> Sequence[str]:
    """Return the names. Raise ``BadInput`` if one does not exist, or is outside of the repository."""
    for name in names:
        path = (subject.folder / name).resolve()
        if not path.is_relative_to(subject.top.resolve()):
            raise BadInput(f"app.predeploy.{setting}: {name} is outside of the repository")
        if not path.exists():
            raise BadInput(f"app.predeploy.{setting}: {name} does not exist in {subject.app.path}; correct the setting")
    return names


def python_files(subject: Subject, names: Sequence[str]) -> list[str]:
    """Return the Python files under these that git does not ignore, relative to the application's folder."""
    every_file = subject.once("python files", lambda: _python_files(subject))
    roots = [(subject.folder / name).resolve() for name in names]
    folder = subject.folder.resolve()
    return [
        name for name in every_file if any((folder / name) == root or root in (folder / name).parents for root in roots)
    ]


def _python_files(subject: Subject) -> list[str]:
    if subject.clean:
        names = [str(path.relative_to(subject.folder)) for path in subject.folder.rglob("*.py")]
    else:
        paths = [subject.top / name for name in work_tree.names(subject.top) if name.endswith(".py")]
        names = [str(path.relative_to(subject.folder)) for path in paths if path.is_relative_to(subject.folder)]
    return sorted(name for name in names if (subject.folder / name).is_file())


def finding_at(subject: Subject, rule: str, what: str, path: str, line: int | None, *, do: str = "") -> Finding:
    """Return a finding in a file, with the text of its line. ``path``: absolute, or relative to the application."""
    full, folder = (subject.folder / path).resolve(), subject.folder.resolve()
    place = str(full.relative_to(folder)) if full.is_relative_to(folder) else path
    return Finding(rule, what, place, line, do, text=_line(subject.folder / place, line) if line else "")


def _line(path: Path, number: int) -> str:
    with contextlib.suppress(OSError, IndexError, UnicodeDecodeError):
        return read_regular(str(path), os).decode().splitlines()[number - 1].strip()
    return ""
