"""A release's files on the disk: written from a git tree, and read back as one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from switchyard.core.tree import (
    CHUNK,
    FOLDER_PERMISSIONS,
    LINK,
    Entry,
    blob_id,
    contents,
    file_mode,
    parents,
    permissions,
    tree_id,
)
from switchyard.host.adapters import git


def write(repository: Path, files: Iterable[Entry], folder: Path, tick: Callable[[], None]) -> None:
    """Write files, then symbolic links, so that none leads another astray. Nothing converts their bytes."""
    top, ordered = os.fsencode(folder), sorted(files, key=lambda entry: entry.mode == LINK)
    for path in parents(ordered):
        os.mkdir(os.path.join(top, path))
        os.chmod(os.path.join(top, path), FOLDER_PERMISSIONS)
    with git.blobs(repository, (entry.id for entry in ordered)) as output:
        for entry, parts in contents(output, ordered):
            tick()
            path = os.path.join(top, entry.path)
            if entry.mode == LINK:
                os.symlink(b"".join(parts), path)
                continue
            with open(path, "xb") as file:
                for part in parts:
                    file.write(part)
                    tick()
                os.fchmod(file.fileno(), permissions(entry.mode))


def read_id(folder: Path, algorithm: str, tick: Callable[[], None]) -> str:
    """Return the id of the git tree of what a folder holds on the disk."""
    return tree_id(_entries(os.fsencode(folder), b"", algorithm, tick), algorithm)


def _entries(top: bytes, below: bytes, algorithm: str, tick: Callable[[], None]) -> Iterator[Entry]:
    with os.scandir(os.path.join(top, below)) as listing:
        for item in listing:
            tick()
            path = os.path.join(below, item.name)
            if item.is_symlink():
                target = os.readlink(item.path)
                yield Entry(path, LINK, blob_id(len(target), [target], algorithm))
            elif item.is_dir():
                yield from _entries(top, path, algorithm, tick)
            else:
                yield _read(item.path, path, algorithm, tick)


def _read(place: bytes, path: bytes, algorithm: str, tick: Callable[[], None]) -> Entry:
    with open(place, "rb") as file:
        status = os.fstat(file.fileno())
        return Entry(path, file_mode(status.st_mode), blob_id(status.st_size, _parts(file, tick), algorithm))


def _parts(file: IO[bytes], tick: Callable[[], None]) -> Iterator[bytes]:
    while data := file.read(CHUNK):
        yield data
        tick()
