"""Ctrl-C, SIGTERM and SIGHUP: each interrupts the verb that runs, and ends the processes that it started.

Only Linux tells which processes those are. Elsewhere the verb is interrupted, and its commands end with their pipes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
LOOK = 0.05
"""Seconds between two looks at the processes that are left."""
PR_SET_CHILD_SUBREAPER = 36
"""Of ``prctl``: whatever loses its parent becomes a child of this process, so that it can be found."""

_spared: set[int] = set()
_bell = -1


def listen() -> None:
    """Have each signal raise ``KeyboardInterrupt`` in the main thread; one that is ignored (``nohup``) stays so."""
    global _bell
    hearing, _bell = os.pipe()
    threading.Thread(target=_end_children, args=(hearing,), daemon=True).start()
    for number in SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _interrupt)


def spare(pid: int) -> None:
    """Leave a process and its children alone: it ends by itself as soon as this process does."""
    _spared.add(pid)


def await_children() -> None:
    """Wait until the processes that an interrupted verb started have ended; they are told to."""
    deadline = time.monotonic() + 2 * GRACE
    while children() and time.monotonic() < deadline:
        time.sleep(LOOK)


def children() -> set[int]:
    """Return the processes that this one started, directly or not, and that run."""
    parents = _parents()
    tree, more = set[int](), {os.getpid()}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more} - _spared
        tree |= more
    return tree


def _interrupt(number: int, frame: FrameType | None) -> None:
    import ctypes  # loads slowly, and most verbs end without a signal

    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if number == signal.SIGHUP:
        _leave_lost_terminal()
    os.write(_bell, b"!")  # nothing more here: a signal may come while any lock is held
    raise KeyboardInterrupt


def _leave_lost_terminal() -> None:
    """Write to nowhere from now on where the terminal is gone: an error there would cut the way back short."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            descriptor = stream.fileno()
            if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, descriptor)
                os.close(null)


def _end_children(hearing: int) -> None:
    """Once a signal came, ask every process that is there, or still starts, to end; kill those that stay."""
    os.read(hearing, 1)
    since: dict[int, float] = {}
    while True:
        now = time.monotonic()
        for pid in children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if pid not in since:
                    os.kill(pid, signal.SIGTERM)
                elif now - since[pid] > GRACE:
                    os.kill(pid, signal.SIGKILL)
            since.setdefault(pid, now)
        time.sleep(LOOK)


def _parents() -> dict[int, int]:
    """Return the parent of every process that has not ended; nothing without Linux's /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            state, parent, *_ = path.read_text().rpartition(")")[2].split()
            if state != "Z":
                parents[int(path.parent.name)] = int(parent)
    return parents
