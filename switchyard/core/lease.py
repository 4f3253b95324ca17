"""Who may act on a host now: the rules of the lease, by the host's clock only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

LASTS = 60.0
"""Seconds after the last renewal at which a lease that nobody renews ends."""
RENEW_EVERY = 10.0
BEAT_WITHIN = 40.0
"""Seconds without a beat after which an attempt before its switch is cancelled."""


@dataclass(frozen=True)
class Lease:
    """One line of who holds a host."""

    number: int
    """The fencing number: every act compares it first."""
    attempt: str
    doing: str
    who: str
    since: float
    """Wall time, for people."""
    renewed: float
    """Seconds since the boot."""
    boot: str
    pid: int
    started: str
    """The start time of the program's process, from the kernel."""
    switched: bool = False
    operator: Mapping[str, Any] = field(default_factory=dict)
    """The process of the operator's side: its machine, pid and start, for that machine to tell whether it lives."""

    def is_as(self, other: Lease) -> bool:
        """Whether it is another's very lease, on the same side of the switch."""
        return (self.number, self.switched) == (other.number, other.switched)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"v": 1, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Lease:
        """The lease that ``as_json`` gave."""
        return cls(**{key: item for key, item in value.items() if key != "v"})


def ended(lease: Lease, *, boot: str, now: float, alive: bool) -> str | None:
    """Why a lease no longer holds, as a sentence; None while it does."""
    if lease.boot != boot:
        return "the host has been restarted since"
    if not alive:
        return "its program is gone"
    if now - lease.renewed > LASTS:
        return f"it was last renewed {now - lease.renewed:.0f} s ago"
    return None
