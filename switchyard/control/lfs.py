"""Git LFS without git-lfs: the pointers of a commit, and the objects of this clone that they stand for."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from switchyard.control.git import git

POINTER_MOST = 1024
"""Bytes that a pointer has at most."""
POINTER_START = b"version https://git-lfs.github.com/spec/"
_POINTER = re.compile(POINTER_START + rb"v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n")
CHUNK = 1 << 20


class Pointer(NamedTuple):
    """What a commit has in place of a file."""

    sha256: str
    size: int


def parse(data: bytes) -> Pointer | None:
    """Return the pointer that a file's content is; None for any other, and for one that only an extension reads."""
    match = _POINTER.fullmatch(data.replace(b"\r\n", b"\n"))
    return Pointer(match[1].decode(), int(match[2])) if match else None


def is_pointer(path: Path) -> bool:
    """Return whether a file is a pointer, whole or damaged."""
    return len(POINTER_START) < path.stat().st_size < POINTER_MOST and is_pointer_text(path.read_bytes())


def is_pointer_text(data: bytes) -> bool:
    """Return whether a content, or its beginning, is that of a pointer, whole or damaged."""
    return len(POINTER_START) < len(data) < POINTER_MOST and data.startswith(POINTER_START)


def stores(repository: Path) -> list[Path]:
    """Return the folders that may hold the objects of a clone: its own, and those of clones that it borrows from."""
    common = repository / os.fsdecode(git(repository, "rev-parse", "--git-common-dir").rstrip(b"\n"))
    setting = os.fsdecode(git(repository, "config", "--path", "--get", "lfs.storage", check=False).rstrip(b"\n"))
    folders = [common / (setting or "lfs")]
    with contextlib.suppress(OSError):
        lines = (common / "objects" / "info" / "alternates").read_text(errors="surrogateescape").splitlines()
        folders += [common / "objects" / line / ".." / "lfs" for line in lines if line and not line.startswith("#")]
    return [folder / "objects" for folder in folders]


def find(pointer: Pointer, folders: list[Path]) -> Path | None:
    """Return the object that a pointer stands for; None where no folder has it whole."""
    for folder in folders:
        path = folder / pointer.sha256[:2] / pointer.sha256[2:4] / pointer.sha256
        if is_object(path, pointer):
            return path
    return None


def is_object(path: Path, pointer: Pointer) -> bool:
    """Return whether a file is what a pointer stands for."""
    try:
        return path.stat().st_size == pointer.size and _sha256(path) == pointer.sha256
    except OSError:
        return False


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(CHUNK):
            digest.update(data)
    return digest.hexdigest()
