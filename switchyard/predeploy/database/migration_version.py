"""What the name of a migration says: its version, and by it its place in the order."""

from __future__ import annotations

import re
from pathlib import PurePath

Version = tuple[int, ...]
_NUMBERS = r"\d+(?:[._T-]\d+(?![0-9A-SU-Za-z]))*"
"""Digits that a letter follows belong to the name, as in ``0001_2fa.sql``; but for the T of ``2026-01-31T1200``."""


def label(file: str) -> str:
    """What names a migration: its file, or its folder where every file is called the same, as Prisma does it."""
    path = PurePath(file)
    return path.parent.name if path.name == "migration.sql" else path.name


def version(file: str) -> Version | None:
    """The numbers that it begins with: ``V1.2__x.sql``, ``0009_x.sql``, ``2026-01-31_x.sql``."""
    match = re.match(rf"[A-Za-z]?({_NUMBERS})", label(file))
    return tuple(int(part) for part in re.findall(r"\d+", match.group(1))) if match else None


def alone(entry: str) -> Version | None:
    """The version, where there is nothing else."""
    return version(entry) if re.fullmatch(_NUMBERS, entry) else None


def spoken(number: Version) -> str:
    """For people."""
    return ".".join(str(part) for part in number)


def in_order(file: str) -> tuple[object, ...]:
    """Numbers by their value, V9 before V10; what has no version comes last, as text."""
    number = version(file)
    return number is None, number or (), label(file), file
