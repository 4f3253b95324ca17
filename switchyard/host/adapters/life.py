"""Whether the program of an attempt lives: it holds a lock on a file of the attempt, which ends with its process.

A process id says nothing in another PID namespace, nor behind ``hidepid``. The lock is one for the whole kernel.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from switchyard.host.adapters.disk import Reserve
from switchyard.host.adapters.files import write
from switchyard.host.adapters.kernel import process_start

PROCESS = "process"
"""The file of an attempt that says which process its program is, and that the program locks."""
LOCKED = "locked"
"""The word in that file by which a program says that it holds the lock. Those of older versions hold none."""


@contextlib.contextmanager
def living(folder: Path, reserve: Reserve) -> Iterator[int | None]:
    """Hold the lock of an attempt while its program runs. Yield the file's inode; None where nothing can be locked."""
    path, part = folder / PROCESS, folder / f".{PROCESS}.{os.getpid()}.part"
    who = f"{os.getpid()} {process_start(os.getpid())}"
    reserve.spending(lambda: write(part, f"{who} {LOCKED}"))
    with open(part) as file:
        lock = None
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            lock = os.fstat(file.fileno()).st_ino
        except OSError:  # a file system without locks: the process id alone has to tell
            part.write_text(who)
        os.replace(part, path)  # nobody sees the file before it is locked
        yield lock


def is_held(path: Path, inode: int | None = None) -> bool | None:
    """Return whether a program holds the lock; None where that cannot be told, as where another file stands there."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
            if inode not in (None, os.fstat(file.fileno()).st_ino):
                return None
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look do not take each other for it
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False
