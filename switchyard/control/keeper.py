"""End what a verb started once the verb is gone, even by ``kill -9``. Only Linux tells which processes those are."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import subprocess
import uuid
from pathlib import Path

from switchyard.control import interruption

MARK = "SWITCHYARD_RUN"
"""The environment variable that a verb's processes inherit: its id, and whatever follows for some of them."""
_PROGRAM = """
read -r end && exit
for signal in TERM TERM TERM KILL KILL; do
    left=$(grep -lsz "^$1=$2" /proc/[0-9]*/environ | cut -d/ -f3)
    [ -n "$left" ] || exit
    kill -s "$signal" $left
    sleep 1
done
"""
"""Waits for a word that the verb ended by itself, which leaves agents and daemons alone, or for its death."""


@functools.cache
def begin() -> None:
    """Mark whatever this process starts from now on, and have it ended where this process ends before it."""
    if not Path("/proc/self/environ").exists():
        return
    os.environ[MARK] = uuid.uuid4().hex
    keeper = subprocess.Popen(
        ["sh", "-c", _PROGRAM, "sh", MARK, os.environ[MARK]],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.defpath},
        start_new_session=True,
    )
    interruption.spare(keeper.pid)
    atexit.register(_dismiss, keeper)


def _dismiss(keeper: subprocess.Popen[bytes]) -> None:
    """Tell the keeper that this process ends by itself."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        keeper.communicate(b"end\n", timeout=1)
