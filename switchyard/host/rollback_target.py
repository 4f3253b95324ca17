"""Choose the release that a rollback goes to."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.core.errors import (
    Refused,
)
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.release import ReleaseRecord


def choose(records: Sequence[ReleaseRecord], live: LiveRelease | None, to: str | None) -> ReleaseRecord:
    """The newest release before the live one that was good or unverified, or the one that ``to`` names."""
    if to is not None:
        found = [record for record in records if record.id == to] or [
            record for record in records if to and (record.commit.startswith(to) or record.id.startswith(to))
        ]
        if not found:
            kept = ", ".join(record.id for record in records) or "none"
            raise Refused(f"no kept release is called {to!r}; kept are: {kept}")
        if len(found) > 1:
            words = ", ".join(f"{record.id} ({record.state})" for record in found)
            raise Refused(f"{to} names several releases: {words}. Give the whole id of one")
        return found[0]
    for record in records:
        older = live is None or record.number < live.number
        if older and record.state in ("good", "unverified"):
            return record
    raise Refused(
        "nothing to go back to: no kept release before the live one was good or unverified"
        + (f" (live is {live.id})" if live else "")
    )
