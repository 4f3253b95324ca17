"""Settle on a release that is live already: prove it whole, and start what is missing of it."""

from __future__ import annotations

from switchyard.core.errors import FAILED, OK, UNVERIFIED
from switchyard.core.next_step import Want
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.attempt import Attempt
from switchyard.host.drive import drive
from switchyard.host.ending import Ending, unchanged
from switchyard.host.memory import Memory

JUDGED = ("good", "unverified")
"""The states of a release that an attempt brought live and judged. Nothing takes it back by itself any more."""


def settle(attempt: Attempt, live: ReleaseRecord) -> Ending | None:
    """Repair the live release where it was judged before, and return how that ends.

    Return None where the attempt that brought it live died before: then the verb itself goes on with it.
    """
    attempt.wanted.id = live.id
    if live.state not in JUDGED:
        attempt.lease.has_switched = True
        attempt.events.progress(f"{live.id} is live already, but not settled: going on with it")
        return None
    outcome = drive(attempt, Want("repair", live.id))
    return ending_of_repair(outcome, live, attempt.memory)


def ending_of_repair(outcome: str, live: ReleaseRecord, memory: Memory) -> Ending:
    """Return the ending of a repair that ``drive`` took to this outcome."""
    started = ", ".join(sorted(memory.restored))
    if outcome == "held":
        reasons = "; ".join(dict.fromkeys(memory.failed.values())) or memory.reason or "traffic went elsewhere"
        if not started:
            return Ending("failed", FAILED, f"{live.id} is live already, and not whole: {reasons}")
        return Ending("held", UNVERIFIED, f"{live.id} is live already, and not whole. Started: {started}. {reasons}")
    if live.state == "unverified" and memory.verdict != "ok":
        return Ending("unverified", UNVERIFIED)
    if started:
        return Ending("repaired", OK, f"{live.id} is live already; started what was missing: {started}")
    return unchanged(f"{live.id} is live already, and whole: nothing to do")
