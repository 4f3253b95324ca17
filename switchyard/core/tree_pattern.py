"""Find the files of a folder that a pattern matches, without a step outside of it."""

import fnmatch
import posixpath
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

ANY_DEPTH = "**"
PARTS_MOST = 20
"""Parts of a pattern."""


class Found(Protocol):
    """One name in a folder, as ``os.scandir`` tells of it."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def is_dir(self) -> Callable[..., bool]:
        """What tells whether it is a folder; with ``follow_symlinks``, or a link to one."""

    @property
    def is_file(self) -> Callable[..., bool]:
        """What tells whether it is a regular file; with ``follow_symlinks``, or a link to one."""

    def is_symlink(self) -> bool:
        """Tell whether it is a link."""


Listing = Callable[[str], Iterable[Found]]


def problem_of(pattern: str) -> str:
    """Return why a pattern cannot be used: it must stay below the folder that it starts at. Nothing where it can."""
    parts = pattern.split("/")
    if pattern.startswith("/"):
        return "is absolute, and a pattern starts at the application's folder"
    if ".." in parts:
        return "leads out of the application's folder with `..`"
    if not pattern.strip("/.") or "\0" in pattern or len(parts) > PARTS_MOST:
        return f"names no file: a pattern has 1 to {PARTS_MOST} parts, such as migrations/*.sql"
    return ""


def matches(folder: str, pattern: str, listing: Listing, real: Callable[[str], str]) -> list[str]:
    """Return the regular files below a folder that match, relative to it and sorted.

    ``*`` stands for part of a name, ``**`` for any folders; that follows no link. A link that a pattern names or that
    matches counts where it leads to something below the folder. ``listing`` is ``os.scandir`` and ``real``
    ``os.path.realpath``; both are passed because the core touches no file.
    """
    if problem_of(pattern):
        return []
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    top = real(folder)
    walk = _Walk(top, listing, real)
    return sorted({posixpath.relpath(path, top) for path in walk.files(top, parts)})


class _Walk:
    def __init__(self, top: str, listing: Listing, real: Callable[[str], str]) -> None:
        self._top, self._listing, self._real = top, listing, real
        self._known: set[tuple[str, int]] = set()
        """Folders that were looked through, with how many parts of the pattern were left."""

    def files(self, folder: str, parts: list[str]) -> Iterator[str]:
        if (folder, len(parts)) in self._known:
            return
        self._known.add((folder, len(parts)))
        part, rest = parts[0], parts[1:]
        if part == ANY_DEPTH:
            yield from self.files(folder, rest) if rest else ()
            for entry in self._entries(folder):
                path = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    yield from self.files(path, parts)
                elif not rest and entry.is_file(follow_symlinks=False):
                    yield path
            return
        for entry in self._entries(folder):
            path = f"{folder}/{entry.name}"
            if not fnmatch.fnmatchcase(entry.name, part) or not self._stays(entry, path):
                continue
            if not rest and entry.is_file():
                yield path
            elif rest and entry.is_dir():
                yield from self.files(path, rest)

    def _entries(self, folder: str) -> list[Found]:
        try:
            return list(self._listing(folder))
        except OSError:  # nobody may look into it, or it is gone
            return []

    def _stays(self, entry: Found, path: str) -> bool:
        """Return whether a name leads to something below the top."""
        return not entry.is_symlink() or self._real(path).startswith(f"{self._top}/")
