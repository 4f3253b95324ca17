"""Take the lease: wait for, or take over from, whoever holds it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from switchyard.core.errors import (
    LEASE_HELD,
    Refused,
    SwitchyardError,
)
from switchyard.core.journal import TakeoverEntry
from switchyard.core.lease import Lease
from switchyard.core.wire.request import Operator
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lease import Superseded, is_running
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.verbs.unlock import require_dead_or_forced

ORPHAN_WITHIN = 300.0
"""Seconds for which an attempt without an operator, or one that was taken over from, is waited for."""


def take(attempt: Attempt) -> None:
    """The lease, also from an attempt whose operator's process is known to be gone.

    Before its switch it is taken over at once, and what it has running is waited for; after it, its end is.
    """
    store, request = attempt.store, attempt.request
    lease, dead = store.lease.holder()
    if attempt.verb == "unlock":
        require_dead_or_forced(attempt, lease, dead)
    orphan = lease if lease and dead is None and request.get("gone") == lease.attempt else None
    if orphan and orphan.switched:
        attempt.emit(
            "progress", text=f"waiting for {orphan.who}'s {orphan.doing}, which has switched, to end by itself"
        )
        with open(store.attempts / orphan.attempt / "said.jsonl", "ab") as said:  # nobody will look for it any more
            said.write(b'\n{"say": "seen", "verdict": "unverified", "why": "the process of its operator is gone"}\n')
        _wait(attempt, lambda: _is_over(store, orphan))
    over = lease if attempt.verb == "unlock" else (orphan if orphan and not orphan.switched else None)
    attempt.number, before, taken = store.lease.take(
        attempt.name, attempt.verb, request["who"], over=over, operator=Operator.decode(request.get("operator") or {})
    )
    if taken:
        store.journal.append(TakeoverEntry(**attempt.author, what=taken))
        attempt.emit("progress", text=taken)
    if before is not None:
        _outlive(attempt, before)
    _forget_packs(store)


def _outlive(attempt: Attempt, before: Lease) -> None:
    """Waits for what a takeover found running; whoever comes next waits for it, too, where this one does not."""
    try:
        if not _wait(attempt, lambda: not is_running(before)):
            raise Refused(
                f"{before.who}'s {before.doing} has been superseded, but its program still runs (process {before.pid} "
                "of the host): look what it waits for, or kill it, and type it again",
                exit=LEASE_HELD,
            )
    except SwitchyardError:
        with contextlib.suppress(Superseded):
            attempt.store.lease.give_back(attempt.number, before)
        attempt.number = 0
        raise


def _forget_packs(store: Store) -> None:
    """What other attempts were sent and did not come to unpack holds their env; nobody else is sent anything now."""
    for path in store.attempts.glob("*/pack*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size:  # an empty one may be that of an attempt that waits for the lease
                path.unlink()


def _is_over(store: Store, orphan: Lease) -> bool:
    lease, dead = store.lease.holder()
    return lease is None or lease.attempt != orphan.attempt or dead is not None


def _wait(attempt: Attempt, over: Callable[[], bool]) -> bool:
    """Whether it was over in time."""
    deadline = now() + ORPHAN_WITHIN
    while not over():
        if now() > deadline:
            return False
        attempt.tick()
        time.sleep(0.1)
    return True
