"""What ``inv predeploy`` tells its nox sessions: one JSON file, written by ``session`` and read by the noxfile.

Standard library only: nox loads this module beside the application's files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

VARIABLE = "SWITCHYARD_TARGET"
"""Names the file in the environment of nox."""


@dataclass(frozen=True)
class Options(Message):
    """The base of each session's options: strings, numbers, booleans and lists of strings."""


OptionsOfSession = TypeVar("OptionsOfSession", bound=Options)


@dataclass(frozen=True)
class LintOptions(Options):
    format: bool
    """Whether the layout counts too."""
    fix: bool
    """Whether ruff corrects the files instead of checking them."""


@dataclass(frozen=True)
class TypesOptions(Options):
    modules: Sequence[str]
    cache: str
    """mypy's cache folder."""
    python: str | None
    """The interpreter whose packages mypy sees; None: the one that runs mypy."""


@dataclass(frozen=True)
class DeadcodeOptions(Options):
    files: Sequence[str]


@dataclass(frozen=True)
class AuditOptions(Options):
    source: str
    """``pypi``, ``osv``, or the address of a service with osv's API."""
    packages: str
    """The file that lists the installed packages, one ``name==version`` a line."""


@dataclass(frozen=True)
class SuiteOptions(Options):
    python: str
    tests: str
    ignore: Sequence[str]
    stop: bool
    """Whether pytest stops at the first failure."""
    workers: int
    coverage: str | None
    """The text of coverage's configuration; None: nothing is measured."""


@dataclass(frozen=True)
class CoverageOptions(Options):
    python: str
    data: Sequence[str]
    """The folders that the suites left their data in."""
    coverage: str
    """The text of coverage's configuration."""


@dataclass(frozen=True)
class EnvironmentOptions(Options):
    requirements: Sequence[str]
    plugin: str
    """The pytest plugin to copy into the environment."""
    lock: str
    """The lock file with the version of coverage to add where the requirements lack it."""
    ready: str
    """The file that names the environment's folder once it is complete."""


@dataclass(frozen=True)
class Target:
    """The application that a session checks, and the folder for the tools' reports."""

    folder: Path
    reports: Path


def write(path: Path, target: Target, options: Options) -> None:
    path.write_text(
        json.dumps({"folder": str(target.folder), "reports": str(target.reports), "options": asdict(options)})
    )


def read(path: Path, kind: type[OptionsOfSession]) -> tuple[Target, OptionsOfSession]:
    """Return the target and the session's options. Raise ``TypeError`` for options of another session."""
    content = json.loads(path.read_text())
    return Target(Path(content["folder"]), Path(content["reports"])), kind(**content["options"])
