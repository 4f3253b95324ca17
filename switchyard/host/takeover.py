"""Take the lease: wait for, or take over from, the attempt that holds it."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable

from switchyard.core.errors import LEASE_HELD, Refused, SwitchyardError
from switchyard.core.journal import TakeoverEntry
from switchyard.core.lease import Lease
from switchyard.core.wire.request import Request, Word
from switchyard.host.adapters.files import DamagedFile, read_message
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.steps.edge import settle_if_possible
from switchyard.host.verbs.unlock import require_dead_or_forced

ENDS_WITHIN = 300.0
"""Seconds that an attempt gets to end after its operator went away or another attempt took over."""


def take(attempt: Attempt) -> None:
    """Take the lease, also from an attempt whose operator's process is known to be gone.

    Such an orphan that has not switched loses the lease at once, and this attempt waits for what it still runs. One
    that has switched keeps the lease, and this attempt waits for its end. So does a rollback that names no release
    for a way back that runs: it may be the same command, typed once more.
    """
    store, request = attempt.store, attempt.request
    attempt.require_alive()
    repaired = _repair(attempt) if request.verb == "unlock" else []
    lease, why_ended = store.lease.holder()
    if lease and why_ended is None and _may_repeat(attempt, lease):
        lease, why_ended = _await_way_back(attempt, lease)
    if request.verb == "unlock" and not repaired:
        require_dead_or_forced(request, lease, why_ended)
    orphan = lease if lease and why_ended is None and request.gone == lease.attempt else None
    if orphan and orphan.switched:
        _await_end(attempt, orphan)
    may_lose_it = lease if request.verb == "unlock" else (orphan if orphan and not orphan.switched else None)
    attempt.lease.number, before, from_whom = store.lease.take(
        attempt.name,
        request.verb,
        request.who,
        over=may_lose_it,
        because="by force" if request.verb == "unlock" else "its operator is gone",
        operator=request.operator,
        lock=attempt.lock,
    )
    _require_alive_still(attempt, before)
    if from_whom:
        store.journal.append(TakeoverEntry(**attempt.author, what=from_whom))
        attempt.events.progress(from_whom)
    if before is not None:
        _outlive(attempt, before)
    if repaired:
        _outlive_all(attempt)
    if before is not None or repaired:
        settle_if_possible(attempt)
    _delete_what_was_received(store)


def _repair(attempt: Attempt) -> list[str]:
    """Repair what cannot be read, where that is asked for. Return what was done."""
    from switchyard.host import repair  # no other verb needs it

    done = repair.repair(attempt)
    for text in done:
        attempt.events.progress(text)
    return done


def _outlive_all(attempt: Attempt) -> None:
    """Wait for every program that acted under a lease which nobody can read any more."""
    from switchyard.host import repair

    _wait(attempt.tick, lambda: not repair.others(attempt))
    repair.refuse_beside(repair.others(attempt))


def _may_repeat(attempt: Attempt, lease: Lease) -> bool:
    """Return whether this is a rollback that may be the same as the one that holds the lease."""
    request = attempt.request
    if request.verb != "rollback" or request.to is not None:
        return False
    if lease.doing == "rollback":
        return True
    with contextlib.suppress(DamagedFile):
        holder = read_message(attempt.store.attempts / lease.attempt / "request.json", Request)
        return holder is not None and holder.back
    return False


def _await_way_back(attempt: Attempt, lease: Lease) -> tuple[Lease | None, str | None]:
    """Wait for the end of a way back, which this attempt then confirms. Return who holds the lease now."""
    attempt.awaited = lease.attempt
    attempt.events.progress(f"waiting for {lease.who}'s {lease.doing} to end")
    _wait(attempt.tick, lambda: _has_ended(attempt.store, lease))
    return attempt.store.lease.holder()


def _require_alive_still(attempt: Attempt, before: Lease | None) -> None:
    """Give the lease back where this attempt stood still too long just before it took it."""
    try:
        attempt.require_alive()
    except Refused:
        if before is not None:
            attempt.store.lease.give_back(attempt.lease.number, before)
        else:
            attempt.store.lease.free(attempt.lease.number)
        attempt.lease.number = 0
        raise


def _await_end(attempt: Attempt, orphan: Lease) -> None:
    """Wait for the end of an attempt that switched, and answer for its operator, who will not look any more."""
    store = attempt.store
    attempt.events.progress(f"waiting for {orphan.who}'s {orphan.doing} to end: it has switched already")
    word = Word("seen", verdict="unverified", why="the operator's process is gone")
    with open(store.attempts / orphan.attempt / "said.jsonl", "ab") as file:
        file.write(b"\n" + json.dumps(word.encode()).encode() + b"\n")
    _wait(attempt.tick, lambda: _has_ended(store, orphan))


def _outlive(attempt: Attempt, before: Lease) -> None:
    """Wait for the program that this attempt took over from. On a failure, give the lease back: the next one waits."""
    try:
        if not _wait(attempt.tick, lambda: attempt.store.lease.is_over(before)):
            raise Refused(
                f"{before.who}'s {before.doing} has been superseded, but its program still runs (process {before.pid} "
                "of the host). See what it waits for, or kill it, then run the command again",
                exit=LEASE_HELD,
            )
    except SwitchyardError:
        with contextlib.suppress(Superseded):
            attempt.store.lease.give_back(attempt.lease.number, before)
        attempt.lease.number = 0
        raise


def _delete_what_was_received(store: Store) -> None:
    """Delete what other attempts left of what they were sent: packs, with an env, and secrets of builds.

    Nobody else is being sent anything now, and nobody else builds.
    """
    for name in store.releases.names():
        shutil.rmtree(store.build_secrets(name), ignore_errors=True)
    for path in store.attempts.glob("*/pack*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size:  # an empty one may belong to an attempt that waits for the lease
                path.unlink()


def _has_ended(store: Store, orphan: Lease) -> bool:
    lease, why_ended = store.lease.holder()
    return lease is None or lease.attempt != orphan.attempt or why_ended is not None


def _wait(tick: Callable[[], None], is_over: Callable[[], bool]) -> bool:
    """Wait until something is over. Return False where ``ENDS_WITHIN`` passes before."""
    deadline = now() + ENDS_WITHIN
    while not is_over():
        if now() > deadline:
            return False
        tick()
        time.sleep(0.1)
    return True
