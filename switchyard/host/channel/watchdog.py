"""Notices that the program of an attempt was killed: a program that ends by itself leaves an end event."""

from __future__ import annotations

import time
from pathlib import Path

from switchyard.host.adapters.kernel import process_start
from switchyard.host.adapters.life import PROCESS, is_held

LOOK_EVERY = 1.0
"""Seconds between two looks at the program's process."""
BEGINS_WITHIN = 10.0
"""Seconds in which a program writes down which process it is."""


def is_gone(folder: Path) -> bool:
    """Return whether the program of the attempt in ``folder`` no longer runs, or never began."""
    try:
        number, started, *locked = (folder / PROCESS).read_text().split()
        pid = int(number)
    except (OSError, ValueError):
        return _is_late(folder)
    if locked:
        return is_held(folder / PROCESS) is False
    return process_start(pid) != started


def _is_late(folder: Path) -> bool:
    """Return whether a program that has not written down its process yet should have."""
    try:
        return time.time() - (folder / "request.json").stat().st_mtime > BEGINS_WITHIN
    except OSError:
        return True


class Watchdog:
    """Watches the program of one attempt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._looked_at = time.monotonic()

    def finds_it_gone(self) -> bool:
        """Look at the program when that is due, and return whether it is gone."""
        if time.monotonic() - self._looked_at <= LOOK_EVERY:
            return False
        self._looked_at = time.monotonic()
        return is_gone(self._folder)
