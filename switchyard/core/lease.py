"""Who may act on a host now: the rules of the lease, by the host's clock only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from switchyard.core.wire.message import Message
from switchyard.core.wire.request import Operator
from switchyard.core.wire.terms import AttemptId, Positive, Seconds

LASTS = 60.0
"""Seconds after the last renewal at which a lease that nobody renews ends."""
RENEW_EVERY = 10.0
BEAT_WITHIN = 40.0
"""Seconds without a beat after which an attempt before its switch is cancelled."""


@dataclass(frozen=True)
class Lease(Message):
    """Who holds a host."""

    VERSION: ClassVar[int | None] = 1

    number: Positive
    """The fencing number: every act compares it first."""
    attempt: AttemptId
    doing: str
    who: str
    since: Seconds
    """Wall time, for people."""
    renewed: Seconds
    """Seconds since the boot."""
    boot: str
    pid: Positive
    started: str
    """The start time of the program's process, from the kernel."""
    switched: bool = False
    operator: Operator = field(default_factory=Operator)
    """The process of the operator's side: its machine, pid and start, for that machine to tell whether it lives."""

    def is_as(self, other: Lease) -> bool:
        """Whether it is another's very lease, on the same side of the switch."""
        return (self.number, self.switched) == (other.number, other.switched)


@dataclass(frozen=True)
class FreeLease(Message):
    """What stands in the lease's file while nobody holds it: the number goes on from there."""

    VERSION: ClassVar[int | None] = 1

    number: Positive
    attempt: None = None


def ended(lease: Lease, *, boot: str, now: float, alive: bool) -> str | None:
    """Why a lease no longer holds, as a sentence; None while it does."""
    if lease.boot != boot:
        return "the host has been restarted since"
    if not alive:
        return "its program is gone"
    if now - lease.renewed > LASTS:
        return f"it was last renewed {now - lease.renewed:.0f} s ago"
    return None
