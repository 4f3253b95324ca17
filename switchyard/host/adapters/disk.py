"""The disk of a host that is full, and the reserve that lets an attempt end all the same."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

RESERVE = 8 << 20
"""Bytes that are set aside for the day on which the disk is full."""


def is_full(error: OSError) -> bool:
    """Return whether a disk or a quota is used up."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def has_room(root: Path) -> bool:
    """Return whether anything can be written at all."""
    disk = os.statvfs(root)
    return disk.f_bavail > 0 and (disk.f_favail > 0 or not disk.f_files)


def describe_full(root: Path) -> str:
    """Say that a disk is full, or has no inodes left, and what to do about it."""
    with contextlib.suppress(OSError):
        disk = os.statvfs(root)
        if disk.f_files and not disk.f_favail:
            return (
                f"the disk of {root} has no free inodes. Remove files there (df -i shows which disk), then run the "
                "command again"
            )
    return (
        f"the disk of {root} is full. Free space on the host, for example with docker builder prune, then run the "
        "command again"
    )


def free_bytes(*places: str) -> dict[str, int]:
    """Return the free bytes of each file system that one of these places lies on, by the first of them."""
    disks: dict[int, tuple[str, int]] = {}
    for place in places:
        with contextlib.suppress(OSError):  # an engine may keep its data on another machine
            disks.setdefault(os.stat(place).st_dev, (place, shutil.disk_usage(place).free))
    return dict(disks.values())


class Reserve:
    """A file that gives its room up when the disk is full, so that the journal and a rollback can go on."""

    def __init__(self, root: Path) -> None:
        self._path = root / "reserve"

    def keep(self) -> None:
        """Set the reserve aside, unless it exists or the disk is nearly full already."""
        if self._path.exists() or shutil.disk_usage(self._path.parent).free < 8 * RESERVE:
            return
        with open(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE)

    def spend(self) -> bool:
        """Give the reserve up. Return False where it is gone already."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True

    def spending(self, act: Callable[[], None]) -> None:
        """Do something that writes. Where the disk is full, give the reserve up and do it again."""
        try:
            act()
        except OSError as error:
            if not is_full(error) or not self.spend():
                raise
            act()
