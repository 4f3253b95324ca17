"""The process on the control node that waits for an attempt, and whether such a process still lives."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path

from switchyard.core.wire.request import Holder, Operator

UNKNOWN = "unknown"
"""The start time of a process that lives, where /proc is missing or hides it."""


def this_process() -> Operator:
    """Return the running process as an attempt's operator."""
    pid = os.getpid()
    return Operator(machine_id(), pid, _start_time(pid))


def operator_name() -> str:
    """Return the person and the machine that a lease names."""
    return f"{getpass.getuser()}@{platform.node()}"


def is_orphan(holder: Holder | None) -> bool:
    """Return whether a lease belongs to a process of this very machine that is gone."""
    operator = holder.operator if holder is not None else Operator()
    if operator.machine != machine_id() or operator.pid is None:
        return False
    return _start_time(operator.pid) not in (operator.started, UNKNOWN)


def machine_id() -> str:
    """Return node name, boot id and PID namespace: nobody can judge a process of another of these from here.

    Two containers of one machine can have one node name.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()}/{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def _start_time(pid: int) -> str | None:
    """Return when a process started, in the kernel's ticks; ``UNKNOWN`` if /proc hides it; None where it is gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return UNKNOWN
    return None if fields[0] == "Z" else fields[19]
