"""The configuration of tools in TOML files of the application."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from switchyard.core.regular_file import read_regular
from switchyard.core.wire.message import Foreign, Json, message

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@message(frozen=True)
class ToolTables(Foreign):
    """The tables of ``[tool]`` in pyproject.toml that checks read."""

    ruff: Mapping[str, Json] | None = None
    vulture: Mapping[str, Json] | None = None


@message(frozen=True)
class Pyproject(Foreign):
    tool: ToolTables = ToolTables()


def read_pyproject(folder: Path) -> ToolTables:
    """Return the tables of a folder's pyproject.toml; none if there is no such file."""
    return Pyproject.decode(read_toml(folder / "pyproject.toml")).tool


def read_toml(path: Path) -> Mapping[str, Json]:
    """Return a file's content; empty if it cannot be read."""
    try:
        return tomllib.loads(read_regular(str(path), os).decode())
    except (OSError, ValueError, RecursionError):
        return {}
