"""Which way back a rollback means that names no release: none goes back twice because its command was typed again."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.core.journal import AnyEntry, EndEntry, ShownEntry, StepEntry, WayBackEntry

NOTHING_CHANGED = ("refused", "cancelled", "failed", "missing", "taken back")
"""Ends of a way back that left the release before live."""
CUT_SHORT = "superseded"
"""The end of a way back that lost its lease. It tells what the attempt did not do, so to show it settles nothing."""


def pending(entries: Sequence[AnyEntry], awaited: str | None = None) -> WayBackEntry | None:
    """Return the last way back that died midway, or whose end nobody was shown; None where that one is settled.

    A deploy that moved traffic since settles it. ``awaited`` is an attempt that ran when this rollback was typed:
    whoever typed it had not seen that end. Ways back of versions that recorded none count as shown.
    """
    begun = {entry.attempt for entry in entries if isinstance(entry, WayBackEntry)}
    ends = {entry.attempt: entry.what for entry in entries if isinstance(entry, EndEntry)}
    shown = {entry.attempt for entry in entries if isinstance(entry, ShownEntry)} - {awaited}
    for entry in reversed(entries):
        if isinstance(entry, StepEntry) and entry.step == "switch" and entry.attempt not in begun:
            return None
        if not isinstance(entry, WayBackEntry) or ends.get(entry.attempt) in NOTHING_CHANGED:
            continue
        is_settled = entry.attempt in shown and ends.get(entry.attempt) not in (None, CUT_SHORT)
        return None if is_settled else entry
    return None
