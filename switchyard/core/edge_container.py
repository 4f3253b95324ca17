"""The walls around the edge's container, and what one lacks that an older Switchyard created.

The published Compose document of an edge tells what its container can do. Only ``edge.apply`` recreates it. So whoever
relies on something new asks what the published document lacks of the one that would be made today.
"""

from __future__ import annotations

from collections.abc import Mapping

from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section

THREADS_MOST = 16
"""Threads of one process on a large machine. A process that a reload replaced may live on for 15 minutes."""
HARDENED: Mapping[str, Json] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    # 31 processes of all their threads. Here a deploy reloads once, and seldom twice.
    "pids_limit": 512,
    # 8192 connections that fill their buffers of 64 KiB took 748 MiB; a reload has two processes, and TLS takes more.
    "mem_limit": "3g",
}
"""Ports inside are above 1024, so it needs no capability. What it writes is its socket's folder, and the engine's own
/dev/shm: memory, also below a read-only root."""
NOBODY = 65534
CHOSEN = ("image", "ports")
"""Keys of its service in which two edges of one Switchyard differ too."""


def user(uid: int) -> int:
    """Return the user that the edge runs as: the SSH user, whose socket it is, but never root, which needs no right."""
    return uid if uid else NOBODY


def lacking(published: Json, today: Json) -> tuple[str, ...]:
    """Return the keys of the edge's service that a document would have otherwise if it were made today."""
    try:
        before, after = _service(published), _service(today)
    except SwitchyardError:
        return ()
    keys = [*after, *(key for key in before if key not in after)]
    return tuple(key for key in keys if key not in CHOSEN and before.get(key) != after.get(key))


def describe(lacks: tuple[str, ...], host: str) -> str:
    """Say what an older edge lacks, and what to do."""
    is_open = not HARDENED.keys().isdisjoint(lacks)
    return (
        f"the edge is {'not hardened' if is_open else 'of an older Switchyard'} ({', '.join(lacks)}). "
        f"inv edge.apply --host {host} recreates it, which interrupts every route for about a second"
    )


def _service(document: Json) -> Mapping[str, Json]:
    return Section.of(document, "").section("services").section("edge").raw
