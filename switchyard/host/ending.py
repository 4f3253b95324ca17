"""How a verb ends on this host."""

from __future__ import annotations

from typing import NamedTuple

from switchyard.core.errors import OK, REFUSED, TAKEN_BACK, UNVERIFIED
from switchyard.core.wire.request import Holder
from switchyard.host.memory import Memory


class Ending(NamedTuple):
    """The outcome of a verb and its exit code."""

    outcome: str
    exit: int = OK
    reason: str = ""
    """Why; empty where the attempt's memory holds the reason, or nothing needs one."""
    holder: Holder | None = None
    """Who holds the lease, where that ended the attempt."""


def unchanged(reason: str) -> Ending:
    """Return the ending of a verb that had nothing to do."""
    return Ending("unchanged", OK, reason)


def ending_of(outcome: str, memory: Memory) -> Ending:
    """Return the ending of an attempt that ``drive`` took to this outcome."""
    if outcome == "live":
        return Ending("live") if memory.verdict == "ok" else Ending("unverified", UNVERIFIED)
    exits = {"taken back": TAKEN_BACK, "held": UNVERIFIED}
    return Ending(outcome, exits.get(outcome, REFUSED))
