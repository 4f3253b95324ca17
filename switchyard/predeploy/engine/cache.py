"""Cached passes: a pass stays valid while everything that the check depends on has the same content.

Only passes are cached.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from switchyard.control.whole_file import SHARED, write_whole
from switchyard.core.wire import json_text
from switchyard.core.wire.message import Message, WireError, message
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import PASS, Result
from switchyard.predeploy.engine.subject import Subject

KEPT = 4
"""How many passes of one check stay: that of the work tree, and those of the last commits that shipped."""


@message(frozen=True)
class CachedPass(Message):
    """A pass, as it is kept in a file."""

    VERSION: ClassVar[int | None] = 1

    key: str
    at: float
    """When the check ran, in seconds since the epoch."""
    result: Result


def key(check: Check, subject: Subject) -> str:
    """Hash every file of the tree, the settings, this interpreter, its distributions, and the check's own source."""
    folder = check.source.parent
    parts = [
        check.name,
        subject.tree,
        f"an export: {subject.clean}",  # beside a work tree are files that git ignores
        str(subject.app),
        subject.setting.model_dump_json(),
        platform.platform(),
        platform.python_version(),
        subject.once("distributions", _distributions),
        json.dumps({name: os.environ.get(name) for name in subject.setting.passed}),
        subject.once("shared source", _shared_source),
        subject.once(f"source {folder}", lambda: _source(folder)),
        check.source.read_text(),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def get(check: Check, subject: Subject) -> Result | None:
    """Return the check's cached pass if it is still valid."""
    lasts = check.lasts(subject)
    if lasts <= 0:
        return None
    try:
        cached = CachedPass.decode(json_text.parse(_path(check, subject).read_text()))
    except (OSError, ValueError, WireError):
        return None
    if cached.key != key(check, subject) or time.time() - cached.at > lasts:
        return None
    return replace(cached.result, cached=cached.at)


def put(check: Check, subject: Subject, result: Result) -> None:
    """Cache a pass. Delete the cached pass after any other outcome, and if somebody changed the work tree meanwhile."""
    path = _path(check, subject)
    if result.outcome != PASS or check.lasts(subject) <= 0 or subject.changed():
        path.unlink(missing_ok=True)
        return
    cached = CachedPass(key(check, subject), time.time(), replace(result, cached=None))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, json.dumps(cached.encode()), mode=SHARED)
    for old in sorted(path.parent.glob("*.json"), key=lambda file: -file.stat().st_mtime)[KEPT:]:
        old.unlink(missing_ok=True)


def _path(check: Check, subject: Subject) -> Path:
    return subject.state / "passes" / check.name / f"{key(check, subject)[:32]}.json"


def _distributions() -> str:
    installed = importlib.metadata.distributions()
    return ",".join(sorted(f"{distribution.name}={distribution.version}" for distribution in installed))


def _shared_source() -> str:
    """Return the text of every module that all checks use."""
    predeploy = Path(__file__).parents[1]
    return "".join(_source(predeploy / name) for name in ("engine", "nox", "reach"))


def _source(folder: Path) -> str:
    return "".join(path.read_text() for path in sorted(folder.glob("*.py")))
