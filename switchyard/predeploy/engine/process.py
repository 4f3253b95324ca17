"""Runs a command with a time limit, and ends all that it started."""

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

MARK = "SWITCHYARD_RUN"
"""The variable by which the descendants of a command are known, also those that left its process group."""
LOOK = 0.02
"""Seconds between two looks at whether the command has ended."""
GRACE = 3.0
"""Seconds between the request to end and the end."""


def run(
    command: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    limit: float,
    cancelled: threading.Event,
) -> int | None:
    """The exit code; None where the limit was reached or the run was cancelled. Nothing that it started outlives it."""
    mark = uuid.uuid4().hex
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
    """Asks what is left to end, waits for it, and kills what does not."""
    for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        until = time.monotonic() + seconds
        left = _send(process, mark, number)
        while left and time.monotonic() < until:
            time.sleep(LOOK)
            process.poll()
            left = _send(process, mark, 0)
        if not left:
            break
    process.poll()


def _send(process: subprocess.Popen[bytes], mark: str, number: int) -> bool:
    """Whether there was anything left to send the signal to."""
    there = False
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
            there = True
    for pid in _marked(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            there = True
    return there


def _marked(mark: str) -> list[int]:
    """Processes that carry the mark in their environment and have not ended."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in Path(entry.path, "environ").read_bytes():
                    found.append(int(entry.name))
    return found
