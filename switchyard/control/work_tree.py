"""A work tree as it is on the disk, read without git's filters and without its index: both would write."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from switchyard.control.git import git
from switchyard.core.tree import CHUNK, LINK, Entry, blob_id, file_mode, tree_id


def names(top: Path) -> list[str]:
    """Return the paths of everything in a work tree that git does not ignore, relative to its top."""
    words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return sorted({os.fsdecode(name) for name in git(top, *words).split(b"\0") if name})


def tree(top: Path) -> str:
    """Return the git tree of everything in a work tree that git does not ignore, with the bytes that checks see."""
    present = []
    for name in names(top):
        path = top / name
        if path.is_symlink():
            target = os.readlink(os.fsencode(path))
            present.append(Entry(os.fsencode(name), LINK, blob_id(len(target), [target])))
        elif path.is_file():
            present.append(Entry(os.fsencode(name), file_mode(path.stat().st_mode), file_id(path)))
    return tree_id(present)


def file_id(path: Path, algorithm: str = "sha1") -> str:
    """Return the id that git gives to a file's content."""
    with open(path, "rb") as file:
        return blob_id(path.stat().st_size, iter(partial(file.read, CHUNK), b""), algorithm)
