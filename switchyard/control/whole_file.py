"""Files that a reader sees whole: the old text or the new one."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE = 0o600
SHARED = 0o666
"""Readable by whoever the umask lets read."""


def write_whole(path: Path, text: str, *, mode: int = PRIVATE) -> None:
    """Write a file, with the folders that it needs, in one step: a rename."""
    os.replace(write_beside(path, text, mode=mode), path)


def write_beside(path: Path, text: str, *, mode: int = PRIVATE) -> Path:
    """Write a new file in the folder of ``path`` and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    return new
