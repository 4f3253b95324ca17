"""The version in a migration's file name, and the order that versions give."""

from __future__ import annotations

import re
from pathlib import PurePath

Version = tuple[int, ...]
_NUMBERS = r"\d+(?:[._T-]\d+(?![0-9A-SU-Za-z]))*"
"""Digits before a letter belong to the name, as in ``0001_2fa.sql``, except before the T of ``2026-01-31T1200``."""


def label(file: str) -> str:
    """Return what names a migration: its file, or its folder where every file has the name that Prisma gives it."""
    path = PurePath(file)
    return path.parent.name if path.name == "migration.sql" else path.name


def version(file: str) -> Version | None:
    """Return the numbers that the name begins with: ``V1.2__x.sql``, ``0009_x.sql``, ``2026-01-31_x.sql``."""
    match = re.match(rf"[A-Za-z]?({_NUMBERS})", label(file))
    return tuple(int(part) for part in re.findall(r"\d+", match.group(1))) if match else None


def bare_version(entry: str) -> Version | None:
    """Return the version of an entry that is a version and nothing else."""
    return version(entry) if re.fullmatch(_NUMBERS, entry) else None


def dotted(number: Version) -> str:
    """Return a version as people write it."""
    return ".".join(str(part) for part in number)


def sort_key(file: str) -> tuple[bool, Version, str, str]:
    """Order files by the value of their versions, V9 before V10. Files without a version come last, as text."""
    number = version(file)
    return number is None, number or (), label(file), file
