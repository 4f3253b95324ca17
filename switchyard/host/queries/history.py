"""``history``: the attempts with how each ended."""

from __future__ import annotations

from dataclasses import replace

from switchyard.core.journal import EndEntry
from switchyard.core.outside_text import plain
from switchyard.core.wire.answers import History
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store
from switchyard.host.queries.secrets import every_redactor

COUNT = 20
"""Attempts, where the request names no number."""


def history(store: Store, request: Request) -> History:
    """Return the last attempts, the newest last, and what is wrong with the journal."""
    ends = [entry for entry in store.journal.read()[0] if isinstance(entry, EndEntry)]
    last, redact = ends[-(request.count or COUNT) :], every_redactor(store)
    attempts = tuple(replace(entry, who=plain(entry.who), why=redact(entry.why)) for entry in last)
    return History(attempts, tuple(map(redact, store.journal.problems(request.head))))
