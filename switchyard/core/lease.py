"""The rules of the lease: who may act on a host now, by the host's clock alone."""

from dataclasses import field
from typing import ClassVar

from switchyard.core.wire.message import Message, key, message
from switchyard.core.wire.request import Operator
from switchyard.core.wire.terms import AttemptId, Positive, Seconds

LASTS = 60.0
"""Seconds after its last renewal when a lease ends."""
RENEW_EVERY = 10.0
"""Seconds between two renewals."""
BEAT_WITHIN = 40.0
"""Seconds without a word from the control node after which an attempt that has not switched is cancelled.

A verb that was typed longer ago, and did not beat since, does not take the lease either.
"""


@message(frozen=True)
class Lease(Message):
    """Who holds a host."""

    VERSION: ClassVar[int | None] = 1
    MINOR: ClassVar[int] = 1

    number: Positive
    """The fencing number. Every act compares it first."""
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
    """When the program's process started, in the kernel's ticks."""
    switched: bool = False
    operator: Operator = field(default_factory=Operator)
    """The process on the control node. Only the control node can tell whether it still runs."""
    lock: Positive | None = field(default=None, metadata=key(since=1))
    """The inode of the file of its attempt that its program locks while it lives; null where it locks none."""

    def is_as(self, other: "Lease") -> bool:
        """Return whether both are the same lease on the same side of the switch."""
        return (self.number, self.switched) == (other.number, other.switched)


@message(frozen=True)
class FreeLease(Message):
    """The content of the lease's file while nobody holds the lease. The next number goes on from this one."""

    VERSION: ClassVar[int | None] = 1

    number: Positive
    attempt: None = None


def kernel_boot(boot: str) -> str:
    """Return the part of a boot's id that is the same in every PID namespace: the rest is the start of process 1."""
    return boot.partition("/")[0]


def ended(lease: Lease, *, boot: str, now: float, alive: bool | None) -> str | None:
    """Return why a lease no longer holds, as a sentence; None while it holds.

    ``alive``: whether its program lives. Where that is unknown, the lease holds until its time is over.
    """
    if kernel_boot(lease.boot) != kernel_boot(boot):
        return "the host has been restarted since"
    if alive is False:
        return "its program is gone"
    if now - lease.renewed > LASTS:
        return f"it was last renewed {now - lease.renewed:.0f} s ago"
    return None
