"""The lease as one attempt holds it: compared before every act and renewed while the attempt works."""

from __future__ import annotations

import contextlib

from switchyard.core.lease import RENEW_EVERY
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lease import LeaseKeeper, Superseded

GUARD_EVERY = 1.0
"""Seconds after which a waiting attempt checks again that the lease is still its own."""


class AttemptLease:
    """The fencing number of an attempt, and on which side of the switch it is."""

    def __init__(self, keeper: LeaseKeeper) -> None:
        self._keeper = keeper
        self._renewed_at = now()
        self._guarded_at = now()
        self.number = 0
        """0 until the attempt holds the lease."""
        self.has_switched = False

    def guard(self) -> None:
        """Raise ``Superseded`` where another attempt holds the lease."""
        self._keeper.guard(self.number)

    def renew(self) -> None:
        """Extend the lease from now on. Raise ``Superseded`` where another attempt holds it."""
        self._keeper.renew(self.number, switched=self.has_switched)
        self._renewed_at = now()

    def tick(self, *, renews: bool) -> None:
        """Guard the lease when that is due and, with ``renews``, renew it when that is due."""
        if self.number and now() - self._guarded_at > GUARD_EVERY:
            self.guard()
            self._guarded_at = now()
        if renews:
            self._renew_when_due()

    def linger(self) -> None:
        """Renew the lease when that is due, and raise nothing.

        For work that the engine finishes whether or not this attempt still waits for it.
        """
        with contextlib.suppress(Superseded):
            self._renew_when_due()

    def _renew_when_due(self) -> None:
        if self.number and now() - self._renewed_at > RENEW_EVERY:
            self.renew()
