"""Folders that containers may write to: whatever stands or appears in them, no link is followed out of them.

Each folder on a way is opened from its parent, so that nobody can exchange it between a look and an act.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from switchyard.core.errors import SwitchyardError
from switchyard.core.extraction import destination

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK


def lay(source: Path, target: Path, name: str, *, follow: bool = False) -> None:
    """Copy ``name`` in one folder to ``name`` in another, writing into the files and folders that exist there.

    A running container has mounted that very file or folder, not its name. A link is copied as a link; with ``follow``,
    one that leads to something in ``source`` is copied as what it leads to. Devices, pipes and sockets are left out.
    """
    parts = tuple(name.split("/"))
    try:
        with contextlib.ExitStack() as ways:
            into = ways.enter_context(_opened(os.open(target, os.O_DIRECTORY)))
            for part in parts[:-1]:
                into = ways.enter_context(_made(into, part))
            _copy(source, parts, into, parts[-1], (), follow=follow)
    except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise SwitchyardError(
            f"{target / name} cannot be written: {error.strerror} ({error.filename}). Most likely a container put "
            "something there. Look at it on the host, move it away, then run the command again"
        ) from None


def remove(folder: int, name: str) -> None:
    """Delete a file, link or whole folder of an open folder, as far as its rights allow."""
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)
        return
    with contextlib.suppress(OSError), _opened(os.open(name, _FOLDER, dir_fd=folder)) as inner:
        for each in os.listdir(inner):
            remove(inner, each)
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=folder)


def _copy(
    top: Path, parts: tuple[str, ...], into: int, name: str, above: tuple[tuple[str, ...], ...], *, follow: bool
) -> None:
    """Copy what is at ``parts`` below ``top``. ``above``: the folders that are being copied already."""
    with contextlib.ExitStack() as ways:
        folder = ways.enter_context(_opened(os.open(top, os.O_DIRECTORY)))
        for part in parts[:-1]:
            folder = ways.enter_context(_opened(os.open(part, _FOLDER, dir_fd=folder)))
        kind = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(kind):
            end = _end(top, parts) if follow else None
            if end is None or end in above:
                remove(into, name)
                os.symlink(os.readlink(parts[-1], dir_fd=folder), name, dir_fd=into)
            else:
                _copy(top, end, into, name, above, follow=follow)
        elif stat.S_ISDIR(kind):
            names = os.listdir(ways.enter_context(_opened(os.open(parts[-1], _FOLDER, dir_fd=folder))))
            inner = ways.enter_context(_made(into, name))
            os.fchmod(inner, stat.S_IMODE(kind))
            for each in set(os.listdir(inner)) - set(names):
                remove(inner, each)
            for each in names:
                _copy(top, (*parts, each), inner, each, (*above, parts), follow=follow)
        elif stat.S_ISREG(kind):
            _copy_file(folder, parts[-1], into, name)
        else:
            remove(into, name)


def _end(top: Path, parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return where a path leads to below the top; None where that is elsewhere, or nothing."""
    end = destination(os.fsencode("/".join(parts)), partial(_target, os.fsencode(top)))
    is_there = end and os.path.lexists(os.path.join(os.fsencode(top), end))
    return tuple(os.fsdecode(end).split("/")) if end and is_there else None


def _target(top: bytes, path: bytes) -> bytes | None:
    try:
        return os.readlink(os.path.join(top, path))
    except OSError:
        return None


def _copy_file(folder: int, name: str, into: int, to: str) -> None:
    with open(os.open(name, os.O_RDONLY | _FILE, dir_fd=folder), "rb") as source:
        rights = os.fstat(source.fileno()).st_mode
        if not stat.S_ISREG(rights):
            return
        with open(_open_to_write(into, to), "wb") as target:
            shutil.copyfileobj(source, target)
            os.fchmod(target.fileno(), stat.S_IMODE(rights))


def _open_to_write(folder: int, name: str) -> int:
    """Open a file and empty it. What is no file, or somebody else's, is replaced."""
    with contextlib.suppress(OSError):
        file = os.open(name, os.O_WRONLY | _FILE, dir_fd=folder)
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.truncate(file, 0)
            return file
        os.close(file)
    remove(folder, name)
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o600, dir_fd=folder)


@contextlib.contextmanager
def _made(parent: int, name: str) -> Iterator[int]:
    """Open a folder of a folder. What else is there gives way to a new one."""
    try:
        folder = os.open(name, _FOLDER, dir_fd=parent)
    except OSError:
        remove(parent, name)
        os.mkdir(name, dir_fd=parent)
        folder = os.open(name, _FOLDER, dir_fd=parent)
    with _opened(folder):
        yield folder


@contextlib.contextmanager
def _opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
