"""``history``: the attempts with how each ended."""

from __future__ import annotations

from switchyard.core.journal import EndEntry
from switchyard.core.wire.answers import History
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store

COUNT = 20
"""Attempts, where the request names no number."""


def history(store: Store, request: Request) -> History:
    """Return the last attempts, the newest last, and what is wrong with the journal."""
    ends = [entry for entry in store.journal.read()[0] if isinstance(entry, EndEntry)]
    return History(tuple(ends[-(request.count or COUNT) :]), store.journal.problems(request.head))
