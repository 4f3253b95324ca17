"""When the verb was typed that runs now. A process that stands still, or a laptop that sleeps, ages it."""

from __future__ import annotations

import os
import time
from pathlib import Path


class Clock:
    """The seconds since a verb was typed; 0 where nobody told that one began."""

    def __init__(self) -> None:
        self._typed_at: float | None = None
        self._verbs = 0

    def begin(self) -> None:
        """Note that a verb begins. The first one of a process was typed when the process began."""
        self._typed_at = now() if self._verbs else now() - process_age()
        self._verbs += 1

    def again(self) -> None:
        """Count from now: the verb ended on one machine, and the next one's turn begins."""
        self._typed_at = now()

    def ago(self) -> float:
        """Return the seconds since the running verb was typed."""
        return 0.0 if self._typed_at is None else now() - self._typed_at


def now() -> float:
    """Return the seconds of a clock that goes on while this machine sleeps, where it has one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def process_age() -> float:
    """Return the seconds since this process began; 0 without /proc."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    except (OSError, IndexError, ValueError):
        return 0.0
    return max(0.0, now() - ticks / os.sysconf("SC_CLK_TCK")) if ticks else 0.0


clock = Clock()
begin, again, ago = clock.begin, clock.again, clock.ago
