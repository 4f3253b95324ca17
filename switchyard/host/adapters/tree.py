"""A release's files on the disk: written from a git tree, and read back as one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from switchyard.core.errors import SwitchyardError
from switchyard.core.extraction import extract, in_order
from switchyard.core.tree import CHUNK, LINK, Entry, blob_id, contents, file_mode, parents, tree_id
from switchyard.host.adapters import git


def write(repository: Path, files: Sequence[Entry], folder: Path, tick: Callable[[], None]) -> None:
    """Write the files of a repository into an empty folder. Nothing converts their bytes."""
    ordered = in_order(files)
    with git.blobs(repository, (entry.id for entry in ordered)) as output:
        extract(parents(files), _ticking(contents(output, ordered), tick), os.fsencode(folder), os)


def _ticking(
    files: Iterable[tuple[Entry, Iterable[bytes]]], tick: Callable[[], None]
) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    for entry, parts in files:
        tick()
        yield entry, _each(parts, tick)


def _each(parts: Iterable[bytes], tick: Callable[[], None]) -> Iterator[bytes]:
    for part in parts:
        yield part
        tick()


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
            elif item.is_dir(follow_symlinks=False):
                yield from _entries(top, path, algorithm, tick)
            else:
                yield _read(item.path, path, algorithm, tick)


def _read(place: bytes, path: bytes, algorithm: str, tick: Callable[[], None]) -> Entry:
    with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SwitchyardError(f"{os.fsdecode(place)} is a device or a pipe, which no release has")
        return Entry(path, file_mode(status.st_mode), blob_id(status.st_size, _parts(file, tick), algorithm))


def _parts(file: IO[bytes], tick: Callable[[], None]) -> Iterator[bytes]:
    while data := file.read(CHUNK):
        yield data
        tick()
