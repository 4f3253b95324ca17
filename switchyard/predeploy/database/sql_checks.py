"""Checks that are files of SQL: one statement each, a header of comments, and every row that comes back is a violation.

    -- id: primary-key
    -- severity: error
    -- promises: Every table has a valid primary key.
    -- do: Add one.

``since`` and ``until`` name server versions (14 to 18), ``check`` the check of predeploy that runs the file. The first
two columns are ``place`` and ``what``; a column ``severity`` speaks for its row. A file with other columns shows
the row.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from switchyard.core.errors import BadInput
from switchyard.predeploy.database import syntax_tree

SEVERITIES = ("error", "warn", "info")
_KEYS = ("id", "severity", "promises", "do", "since", "until", "check")
_NEEDED = ("id", "severity", "promises", "do")


@dataclass(frozen=True)
class SqlFile:
    """One check."""

    place: str
    """The file as people name it."""
    id: str
    severity: str
    promises: str
    do: str
    sql: str
    since: int = 0
    """The first server version that it runs on."""
    until: int = 999
    check: str = "schema"

    def runs_on(self, version: int) -> bool:
        """Whether it is for servers of this version."""
        return self.since <= version <= self.until


@functools.lru_cache(maxsize=1)
def shipped() -> tuple[SqlFile, ...]:
    """The checks that come with Switchyard."""
    folder = _folder()
    return tuple(read(path, f"sql/checks/{path.name}") for path in sorted(folder.glob("*.sql")))


def _folder() -> Path:
    """Inside the package where it is installed, at the top of a checkout."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "sql" / "checks"
    return inside if inside.is_dir() else package.parent / "sql" / "checks"


def read(path: Path, place: str) -> SqlFile:
    """A file that keeps to the contract. Raises ``BadInput`` with file and line otherwise."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{place}: not UTF-8") from None
    found = _header(text, place)
    for key in _NEEDED:
        if key not in found:
            raise BadInput(f"{place}:1: the comment at its beginning has no `-- {key}:`")
    if found["severity"][1] not in SEVERITIES:
        raise BadInput(f"{place}:{found['severity'][0]}: severity is one of {', '.join(SEVERITIES)}")
    try:
        syntax_tree.require_only_reading(text)
    except syntax_tree.NotOnlyReading as error:
        raise BadInput(f"{place}:{error.line}: {error}") from None
    words = {key: value for key, (_, value) in found.items()}
    return SqlFile(
        place,
        words["id"],
        words["severity"],
        words["promises"],
        words["do"],
        text,
        _version(found, "since", 0, place),
        _version(found, "until", 999, place),
        words.get("check", "schema"),
    )


def _header(text: str, place: str) -> dict[str, tuple[int, str]]:
    """Each key of the comment with its line and value; a line without a key goes on with the one before."""
    found: dict[str, tuple[int, str]] = {}
    key = None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            break
        match = re.match(r"--\s*(\w+):\s*(.*)", line)
        if match and match.group(1) in _KEYS:
            key = match.group(1)
            if key in found:
                raise BadInput(f"{place}:{number}: `-- {key}:` stands there twice")
            found[key] = (number, match.group(2).strip())
        elif key:
            found[key] = (found[key][0], f"{found[key][1]} {line.lstrip('- ').strip()}".strip())
    return found


def _version(found: dict[str, tuple[int, str]], key: str, default: int, place: str) -> int:
    if key not in found:
        return default
    line, value = found[key]
    if not value.isdigit():
        raise BadInput(f"{place}:{line}: {key} is a server version, such as 18")
    return int(value)
