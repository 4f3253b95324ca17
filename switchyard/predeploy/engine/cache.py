"""Passes that still hold: kept by the content of all that they depend on. Nothing but a pass is kept."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import time
from dataclasses import replace
from pathlib import Path

from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import PASS, Finding, Result
from switchyard.predeploy.engine.subject import Subject

KEPT = 4
"""Passes of one check that stay: of the work tree, and of the commits that were shipped last."""


def key(check: Check, subject: Subject) -> str:
    """The content of every file, the settings, this interpreter with its distributions, and the check's own source."""
    parts = [
        check.name,
        subject.tree,
        f"an export: {subject.clean}",  # beside a work tree stand files that git ignores
        str(subject.app),
        subject.setting.model_dump_json(),
        platform.platform(),
        platform.python_version(),
        subject.once("distributions", _distributions),
        json.dumps({name: os.environ.get(name) for name in subject.setting.passed}),
        subject.once("source", _source),
        check.source.read_text(),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def get(check: Check, subject: Subject) -> Result | None:
    """A pass of this very check that still holds."""
    lasts = check.lasts(subject)
    path = _path(check, subject)
    if lasts <= 0:
        return None
    try:
        kept = json.loads(path.read_text())
        if kept["key"] != key(check, subject) or time.time() - kept["at"] > lasts:
            return None
        found = kept["result"]
        return Result(**{**found, "findings": tuple(Finding(**each) for each in found["findings"])}, cached=kept["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def put(check: Check, subject: Subject, result: Result) -> None:
    """Keeps a pass; with anything else, and where somebody wrote to the work tree meanwhile, what was kept goes."""
    path = _path(check, subject)
    if result.outcome != PASS or check.lasts(subject) <= 0 or subject.changed():
        path.unlink(missing_ok=True)
        return
    plain = {
        **vars(replace(result, cached=None)),
        "findings": [vars(finding) for finding in result.findings],
        "tests": dict(result.tests),
        "tools": dict(result.tools),
        "facts": dict(result.facts),
    }
    del plain["cached"]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(json.dumps({"v": 1, "key": key(check, subject), "at": time.time(), "result": plain}))
    os.replace(aside, path)
    for old in sorted(path.parent.glob("*.json"), key=lambda kept: -kept.stat().st_mtime)[KEPT:]:
        old.unlink(missing_ok=True)


def _path(check: Check, subject: Subject) -> Path:
    return subject.state / "passes" / check.name / f"{key(check, subject)[:32]}.json"


def _distributions() -> str:
    return ",".join(sorted(f"{found.name}={found.version}" for found in importlib.metadata.distributions()))


def _source() -> str:
    """Return the text of every module that all checks share."""
    package = Path(__file__).parents[2]
    folders = [package / "predeploy" / name for name in ("engine", "nox", "reach")]
    modules = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    return "".join(path.read_text() for path in modules)
