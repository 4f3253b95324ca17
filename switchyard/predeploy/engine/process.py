"""Run a command with a time limit, and end everything that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from switchyard.control.keeper import MARK

LOOK = 0.02
"""Seconds between two looks at whether the command has ended."""
GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""


def run(
    command: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    limit: float,
    cancelled: threading.Event,
) -> int | None:
    """Return the exit code; None after the limit or a cancellation. Nothing that the command started outlives it.

    ``limit``: in seconds. ``log``: the file for the command's output.
    """
    mark = f"{os.environ.get(MARK, '')}.{uuid.uuid4().hex}"
    until = time.monotonic() + limit
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**env, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not cancelled.is_set() and time.monotonic() < until:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(LOOK)
        return None
    finally:
        _end(process, mark)


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Terminate every process that is left, wait, and kill those that stay."""
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        until = time.monotonic() + seconds
        is_left = _send(process, mark, number)
        while is_left and time.monotonic() < until:
            time.sleep(LOOK)
            process.poll()
            is_left = _send(process, mark, 0)
        if not is_left:
            break
    process.poll()


def _send(process: subprocess.Popen[bytes], mark: str, number: int) -> bool:
    """Send a signal to every process that is left. Tell whether there was any."""
    is_left = False
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
            is_left = True
    for pid in _marked(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            is_left = True
    return is_left


def _marked(mark: str) -> list[int]:
    """Return the running processes with the mark in their environment, even outside of the command's group."""
    variable = f"{MARK}={mark}".encode()
    pids = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if variable in Path(entry.path, "environ").read_bytes():
                    pids.append(int(entry.name))
    return pids
