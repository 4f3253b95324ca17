"""The lock of a host's files, for the moment of one comparison or one write."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Lock:
    """One lock file. The kernel releases the lock when its holder dies."""

    def __init__(self, root: Path) -> None:
        self._path = root / "lock"

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock; wait for whoever holds it now."""
        with open(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
