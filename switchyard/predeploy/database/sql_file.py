"""Files of SQL as text: migrations, recorded queries and fixtures."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from switchyard.core.errors import NotChecked
from switchyard.core.regular_file import read_regular

_DOWN = re.compile(r"^--\s*(?:migrate:|\+\s*(?:goose|migrate)\s+)down\b", re.MULTILINE | re.IGNORECASE)


class SqlFile(NamedTuple):
    """A file of the application."""

    path: str
    """Relative to the application's folder."""
    text: str


def read_sql_file(folder: Path, path: str) -> SqlFile:
    """Read a file. Raise ``NotChecked`` with its path and line where it is not UTF-8."""
    return SqlFile(path, decode_sql(read_regular(str(folder / path), os), path))


def decode_sql(data: bytes, path: str) -> str:
    """Return bytes as text and keep their line endings, since checksums cover them. Raise ``NotChecked``."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotChecked(f"{path}:{line}: not UTF-8: convert the file, then run the command again") from None


def upward(text: str) -> str:
    """Return the part of a migration that applies it, without a byte order mark.

    dbmate, goose and sql-migrate keep both directions in one file.
    """
    return _DOWN.split(text.removeprefix("\ufeff"), maxsplit=1)[0]
