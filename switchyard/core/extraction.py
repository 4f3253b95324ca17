"""Extract the files of a tree: the one way in which both sides write them, below one folder and through no link."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from switchyard.core.errors import SwitchyardError
from switchyard.core.tree import FOLDER_PERMISSIONS, LINK, SUBMODULE, Entry, permissions

LINKS_MOST = 40
"""Links that a path may lead through, as Linux counts them."""


class System(Protocol):
    """The calls of the operating system that write files. The module ``os`` has them; each side passes its own."""

    O_CREAT: int
    O_DIRECTORY: int
    O_EXCL: int
    O_NOFOLLOW: int
    O_WRONLY: int

    def open(self, path: bytes, flags: int, mode: int = ..., *, dir_fd: int | None = ...) -> int: ...

    def mkdir(self, path: bytes, mode: int = ..., *, dir_fd: int | None = ...) -> None: ...

    def symlink(self, target: bytes, path: bytes, /, *, dir_fd: int | None = ...) -> None: ...

    def write(self, fd: int, data: bytes, /) -> int: ...

    def fchmod(self, fd: int, mode: int) -> None: ...

    def close(self, fd: int) -> None: ...


def in_order(files: Iterable[Entry]) -> list[Entry]:
    """Return what has a content, in the order in which it is written: links last."""
    return sorted((entry for entry in files if entry.mode != SUBMODULE), key=lambda entry: entry.mode == LINK)


def extract(
    folders: Iterable[bytes], contents: Iterable[tuple[Entry, Iterable[bytes]]], top: bytes, system: System
) -> None:
    """Write folders, each after its own parents, then files and links, into an empty folder ``top``.

    Raise where something is in the way: two entries have one name, or somebody else writes there.
    """
    writer = _Writer(top, system)
    try:
        for path in folders:
            writer.make_folder(path)
        for entry, parts in contents:
            writer.write(entry, parts)
    except (FileExistsError, NotADirectoryError) as error:
        name = error.filename.decode(errors="replace") if isinstance(error.filename, bytes) else error.filename
        raise SwitchyardError(f"something is in the way of {name}: {error.strerror}") from None
    finally:
        writer.close()


def destination(path: bytes, target_of: Callable[[bytes], bytes | None]) -> bytes | None:
    """Return where a path of a tree leads to in it; None where that is outside.

    ``target_of`` returns the target of a link. The path is walked as the kernel does: ``..`` after a link is the
    parent of what the link leads to.
    """
    reached: list[bytes] = []
    ahead, followed = path.split(b"/")[::-1], 0
    while ahead:
        part = ahead.pop()
        if part == b"..":
            if not reached:
                return None
            reached.pop()
        elif part not in (b"", b"."):
            target = target_of(b"/".join([*reached, part]))
            followed += target is not None
            if target is None:
                reached.append(part)
            elif target.startswith(b"/") or followed > LINKS_MOST:
                return None
            else:
                ahead += target.split(b"/")[::-1]
    return b"/".join(reached)


class _Writer:
    """Writes below a folder. Each folder on the way is opened from its own parent, and must not be a link."""

    def __init__(self, top: bytes, system: System) -> None:
        self._system = system
        self._top = system.open(top, system.O_DIRECTORY | system.O_NOFOLLOW)
        self._folder, self._opened = b"", -1
        """The folder that was opened last, and its descriptor, unless it is the top."""

    def make_folder(self, path: bytes) -> None:
        dir_fd, name = self._parent(path)
        self._system.mkdir(name, FOLDER_PERMISSIONS, dir_fd=dir_fd)
        folder = self._open_folder(name, dir_fd)
        self._system.fchmod(folder, FOLDER_PERMISSIONS)  # whatever the umask
        self._system.close(folder)

    def write(self, entry: Entry, parts: Iterable[bytes]) -> None:
        system, (dir_fd, name) = self._system, self._parent(entry.path)
        if entry.mode == LINK:
            target = b"".join(parts)
            if not target or b"\0" in target:
                raise SwitchyardError(f"{entry.path.decode(errors='replace')} is a link that leads nowhere")
            system.symlink(target, name, dir_fd=dir_fd)
            return
        file = system.open(name, system.O_WRONLY | system.O_CREAT | system.O_EXCL | system.O_NOFOLLOW, dir_fd=dir_fd)
        try:
            for part in parts:
                while part:
                    part = part[system.write(file, part) :]
            system.fchmod(file, permissions(entry.mode))
        finally:
            system.close(file)

    def close(self) -> None:
        self._leave()
        self._system.close(self._top)

    def _parent(self, path: bytes) -> tuple[int, bytes]:
        """Return the descriptor of the folder that a path is in, and its name there."""
        folder, _, name = path.rpartition(b"/")
        if folder != self._folder:
            self._leave()
            for part in filter(None, folder.split(b"/")):
                inner = self._open_folder(part, self._opened if self._opened >= 0 else self._top)
                self._leave()
                self._opened = inner
            self._folder = folder
        return (self._opened if folder else self._top), name

    def _open_folder(self, name: bytes, parent: int) -> int:
        return self._system.open(name, self._system.O_DIRECTORY | self._system.O_NOFOLLOW, dir_fd=parent)

    def _leave(self) -> None:
        if self._opened >= 0:
            self._system.close(self._opened)
        self._folder, self._opened = b"", -1
