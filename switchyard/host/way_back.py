"""A way back as the journal of this host keeps it, so that the same command typed again finds it."""

from __future__ import annotations

from switchyard.core import way_back
from switchyard.core.journal import WayBackEntry
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt


def pending_way_back(store: Store, request: Request, awaited: str | None = None) -> WayBackEntry | None:
    """Return the way back that a rollback without a named release has to finish or to confirm; None where none is."""
    if request.to is not None:
        return None
    pending = way_back.pending(store.journal.read()[0], awaited)
    return pending if pending is not None and store.releases.readable(pending.release) is not None else None


def left_for(store: Store, release: str, live: str | None) -> str | None:
    """Return what a way back to a release leaves: the live one, or where that is it already, what an attempt left."""
    if live != release:
        return live
    earlier = way_back.pending(store.journal.read()[0])
    return earlier.was if earlier is not None and earlier.release == release else live


def begin_way_back(attempt: Attempt, release: str, leaves: str | None) -> None:
    """Record where the attempt goes back to, and which release it leaves."""
    attempt.wanted.id, attempt.leaves = release, leaves
    journal, entry = attempt.store.journal, WayBackEntry(**attempt.author, was=leaves)
    attempt.store.reserve.spending(lambda: journal.append(entry))
