"""What the kernel knows: its clock, its boot and its processes."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

UNSEEN = "/?"
"""How a boot's id ends where the kernel hides process 1 from us."""
TCP_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""


def now() -> float:
    """Return the seconds since the boot, sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return the id of the boot, with the start of process 1, which a restart of a container changes."""
    first = process_start(1)
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + (UNSEEN if first is None else f"/{first}")


def process_start(pid: int) -> str | None:
    """Return when a process began, in the kernel's ticks; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else fields[19]


def process_age() -> float:
    """Return the seconds since this process began, a stop included; 0 where the kernel does not tell."""
    ticks = int(process_start(os.getpid()) or 0)
    return max(0.0, now() - ticks / os.sysconf("SC_CLK_TCK")) if ticks else 0.0


def memory_available() -> int:
    """Return the bytes of memory that a new process could get."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def listening_ports() -> set[int]:
    """Return the TCP ports of this host that something listens on."""
    ports: set[int] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table) as file:
            sockets = [line.split() for line in list(file)[1:]]
            ports |= {int(fields[1].rsplit(":", 1)[1], 16) for fields in sockets if fields[3] == TCP_LISTEN}
    return ports
