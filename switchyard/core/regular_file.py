"""Read files that others may have put there: regular ones alone, and no more of them than fits."""

import stat
from typing import Protocol

from switchyard.core.errors import BAD_INPUT, SwitchyardError

SIZE_MOST = 16 * 1024 * 1024
"""Bytes of a file that is read whole."""


class Status(Protocol):
    """What the operating system tells of an open file."""

    @property
    def st_mode(self) -> int:
        """Its kind and its permissions."""


class System(Protocol):
    """The calls of the operating system that read a file. The module ``os`` has them; each side passes its own."""

    O_RDONLY: int
    O_NONBLOCK: int
    O_CLOEXEC: int

    def open(self, path: str, flags: int) -> int:
        """Open a file."""

    def fstat(self, fd: int) -> Status:
        """Tell what an open file is."""

    def read(self, fd: int, length: int, /) -> bytes:
        """Read bytes; none at the end."""

    def close(self, fd: int) -> None:
        """Close a file."""


class NotRead(SwitchyardError, OSError):
    """A file that is not read because of what it is. Whoever expects an ``OSError`` gets its ``strerror``."""

    exit = BAD_INPUT

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.filename, self.strerror = path, why

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


def read_regular(path: str, system: System, *, size_most: int = SIZE_MOST) -> bytes:
    """Return a file's content. Raise ``NotRead`` for a device, a pipe, a folder, and for one that does not end.

    What is opened is what is looked at, so nobody exchanges it in between. To open a pipe does not wait for its writer.
    """
    file = system.open(path, system.O_RDONLY | system.O_NONBLOCK | system.O_CLOEXEC)
    try:
        mode = system.fstat(file).st_mode
        if stat.S_ISDIR(mode):
            raise NotRead(path, "Is a directory")
        if not stat.S_ISREG(mode):
            raise NotRead(path, "it is a device or a pipe, and only a regular file is read")
        parts, left = [], size_most
        while left >= 0 and (part := system.read(file, min(left + 1, 1 << 20))):
            parts.append(part)
            left -= len(part)
    finally:
        system.close(file)
    if left < 0:
        raise NotRead(path, f"it has more than {size_most:,} bytes")
    return b"".join(parts)
