"""The JSON file that aims a nox session at an application: ``session`` writes it, the application noxfile reads it.

Imports core alone: every nox process loads this module.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from switchyard.core.wire import json_text
from switchyard.core.wire.message import Json, Message, message

VARIABLE = "SWITCHYARD_TARGET"
"""Names the file in the environment of nox."""


class Options(Message):
    """The base of each session's options."""


OptionsOfSession = TypeVar("OptionsOfSession", bound=Options)


@message(frozen=True)
class LintOptions(Options):
    format: bool
    """Whether the layout counts too."""
    fix: bool
    """Whether ruff corrects the files instead of checking them."""


@message(frozen=True)
class TypesOptions(Options):
    modules: tuple[str, ...]
    cache: str
    """mypy's cache folder."""
    python: str | None
    """The interpreter whose packages mypy sees; None: the one that runs mypy."""


@message(frozen=True)
class DeadcodeOptions(Options):
    files: tuple[str, ...]


@message(frozen=True)
class AuditOptions(Options):
    source: str
    """``pypi``, ``osv``, or the address of a service with osv's API."""
    packages: str
    """The file that lists the installed packages, one ``name==version`` a line."""


@message(frozen=True)
class SuiteOptions(Options):
    python: str
    tests: str
    ignore: tuple[str, ...]
    stop: bool
    """Whether pytest stops at the first failure."""
    workers: int
    coverage: str | None
    """The text of coverage's configuration; None: nothing is measured."""


@message(frozen=True)
class CoverageOptions(Options):
    python: str
    data: tuple[str, ...]
    """The folders that the suites left their data in."""
    coverage: str
    """The text of coverage's configuration."""


@message(frozen=True)
class EnvironmentOptions(Options):
    requirements: tuple[str, ...]
    plugin: str
    """The pytest plugin to copy into the environment."""
    lock: str
    """The lock file with the version of coverage to add where the requirements lack it."""
    ready: str
    """The file that names the environment's folder once it is complete."""


@message(frozen=True)
class Target(Message):
    """The application that a session checks, and the folder for the tools' reports."""

    folder: str
    reports: str
    options: Json
    """Of the session's own kind."""


def write(path: Path, folder: Path, reports: Path, options: Options) -> None:
    path.write_text(json.dumps(Target(str(folder), str(reports), options.encode()).encode()))


def read(path: Path, kind: type[OptionsOfSession]) -> tuple[Target, OptionsOfSession]:
    """Return the target and its options. Raise ``WireError`` for options of another session."""
    target = Target.decode(json_text.parse(path.read_text()))
    return target, kind.decode(target.options, "options")
