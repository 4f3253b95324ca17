"""Checks that are files of SQL: one statement each, and every row that it returns is a violation.

    -- id: primary-key
    -- severity: error
    -- promises: Every table has a valid primary key.
    -- do: Add one.

In the header, ``since`` and ``until`` limit the server versions (14 to 18), and ``check`` names the check of predeploy
that runs the file. The first two columns of a row are ``place`` and ``what``; a column ``severity`` overrides the
header's. Of rows with other columns, a finding shows the number and samples.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from switchyard.core.errors import BadInput
from switchyard.core.regular_file import read_regular
from switchyard.predeploy.database.read_only import require_read_only
from switchyard.predeploy.database.syntax_tree import RefusedSql

SEVERITIES = ("error", "warn", "info")
_CHECK = "check"
_REQUIRED = ("id", "severity", "promises", "do")
_KEYS = (*_REQUIRED, "since", "until", _CHECK)


@dataclass(frozen=True)
class SqlCheck:
    """One file of SQL."""

    place: str
    """The file's path in messages."""
    id: str
    severity: str
    promises: str
    do: str
    sql: str
    since: int = 0
    """The first server version that the file is for."""
    until: int = 999
    """The last one."""
    check: str = "schema"
    """The check of predeploy that runs the file."""

    def runs_on(self, version: int) -> bool:
        """Return whether the file is for servers of this major version."""
        return self.since <= version <= self.until


class _Entry(NamedTuple):
    """One key of the header."""

    line: int
    value: str


@functools.lru_cache(maxsize=1)
def shipped() -> tuple[SqlCheck, ...]:
    """Return the checks that come with Switchyard."""
    return tuple(read_sql_check(path, f"sql/checks/{path.name}") for path in sorted(_folder().glob("*.sql")))


def _folder() -> Path:
    """Return the folder of the shipped files: in the package where it is installed, else at the checkout's top."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "sql" / "checks"
    return installed if installed.is_dir() else package.parent / "sql" / "checks"


def read_sql_check(path: Path, place: str, functions: Sequence[str] = ()) -> SqlCheck:
    """Read a check that may call these functions of the database's own.

    Raise ``BadInput`` with file and line where the header or the statement is not as required."""
    try:
        text = read_regular(str(path), os).decode()
    except UnicodeDecodeError:
        raise BadInput(f"{place}: not UTF-8") from None
    header = _header(text, place)
    id, severity, promises, do = (_required(header, key, place) for key in _REQUIRED)
    if severity.value not in SEVERITIES:
        raise BadInput(f"{place}:{severity.line}: severity is one of {', '.join(SEVERITIES)}")
    try:
        require_read_only(text, functions=tuple(functions))
    except RefusedSql as error:
        raise BadInput(f"{place}:{error.line}: {error}") from None
    return SqlCheck(
        place,
        id.value,
        severity.value,
        promises.value,
        do.value,
        text,
        _version(header, "since", 0, place),
        _version(header, "until", 999, place),
        header.get(_CHECK, _Entry(1, "schema")).value,
    )


def _header(text: str, place: str) -> dict[str, _Entry]:
    """Parse the comment at the beginning. A line without a key continues the entry above it."""
    header: dict[str, _Entry] = {}
    key = None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            break
        match = re.match(r"--\s*(\w+):\s*(.*)", line)
        if match and match.group(1) in _KEYS:
            key = match.group(1)
            if key in header:
                raise BadInput(f"{place}:{number}: `-- {key}:` stands there twice")
            header[key] = _Entry(number, match.group(2).strip())
        elif key:
            entry = header[key]
            header[key] = _Entry(entry.line, f"{entry.value} {line.lstrip('- ').strip()}".strip())
    return header


def _required(header: Mapping[str, _Entry], key: str, place: str) -> _Entry:
    if key not in header:
        raise BadInput(f"{place}:1: the comment at its beginning has no `-- {key}:`")
    return header[key]


def _version(header: Mapping[str, _Entry], key: str, default: int, place: str) -> int:
    if key not in header:
        return default
    line, value = header[key]
    if not value.isdigit():
        raise BadInput(f"{place}:{line}: {key} is a server version, such as 18")
    return int(value)
