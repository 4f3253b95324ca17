"""The host program: one attempt from its lease to its end, whoever still listens."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from switchyard.core.errors import FAILED, OK, UNVERIFIED, Refused, SwitchyardError
from switchyard.core.journal import EndEntry
from switchyard.core.steps import SWITCHING, Step
from switchyard.core.wire.events import End
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.request import Head
from switchyard.host import leftovers
from switchyard.host.adapters.lease import LeaseHeld, Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.channel.ends import request_of
from switchyard.host.drive import as_failure
from switchyard.host.ending import Ending, unchanged
from switchyard.host.facts import live_release
from switchyard.host.inbox import Cancelled
from switchyard.host.steps.edge import know_probes, settle_if_possible
from switchyard.host.steps.table import act
from switchyard.host.takeover import take
from switchyard.host.verbs.table import VERBS


def run(root: Path, folder: Path, typed_at: float | None = None, lock: int | None = None) -> None:
    """Run the attempt whose request stands in ``folder``. Its last event is its end."""
    attempt = Attempt(Store(root), folder, request_of(folder), typed_at=typed_at, lock=lock)
    ending = Ending("failed")
    try:
        take(attempt)
        know_probes(attempt)
        ending = VERBS[attempt.request.verb](attempt)
    except Superseded as error:
        ending = Ending("superseded", UNVERIFIED if attempt.lease.has_switched else error.exit, str(error))
    except BaseException as error:
        ending = _ending_after(attempt, as_failure(attempt, error))
        _clean_up(attempt, ending)
    finally:
        _end(attempt, ending)


def _ending_after(attempt: Attempt, failure: SwitchyardError) -> Ending:
    """Return the ending of an attempt that failed.

    Once an act has touched what is live, nothing may claim that it is unchanged: it is held.
    """
    reason = attempt.memory.reason = str(failure)
    if failure.exit == OK:
        return unchanged(reason)
    if attempt.lease.has_switched and (attempt.request.verb in SWITCHING or failure.exit == FAILED):
        return Ending("held", UNVERIFIED, reason)
    if isinstance(failure, LeaseHeld):
        return Ending("refused", failure.exit, reason, failure.holder)
    outcomes = ((Cancelled, "cancelled"), (Refused, "refused"))
    outcome = next((word for kind, word in outcomes if isinstance(failure, kind)), "failed")
    return Ending(outcome, failure.exit, reason)


def _clean_up(attempt: Attempt, ending: Ending) -> None:
    """Before the switch, take the idle colour down, mark the release, and settle the edge. What is live stays."""
    release = attempt.wanted.id
    is_deploy = attempt.request.verb == "deploy"
    if attempt.lease.has_switched or not release or not is_deploy or ending.outcome == "refused":
        return
    attempt.is_ending = True
    with contextlib.suppress(SwitchyardError):
        site = attempt.site()
        home = site.holder(release)
        if home == site.live:
            return
        if home is not None:
            act(attempt, Step("cancel", home))
        attempt.store.releases.update(release, state="failed", reason=attempt.wanted.told(ending.reason))
        settle_if_possible(attempt)


def _end(attempt: Attempt, ending: Ending) -> None:
    """Journal the end, free the lease, and emit the last event, each whatever becomes of the others."""
    store, reason = attempt.store, ending.reason or attempt.memory.reason
    with contextlib.suppress(Exception):
        entry = EndEntry(
            **attempt.author,
            step=attempt.request.verb,
            what=ending.outcome,
            exit=ending.exit,
            who=attempt.request.who,
            was=attempt.before,
            why=attempt.wanted.told(attempt.request.reason or reason),
        )
        store.reserve.spending(lambda: store.journal.append(entry))
    with contextlib.suppress(Exception):
        store.reserve.spending(lambda: store.lease.free(attempt.lease.number))
    live, looked = None, False
    with contextlib.suppress(Exception):
        live, looked = live_release(store, attempt.request.app), True
        if live is None and ending.exit != OK and attempt.request.verb == "deploy" and attempt.lease.number:
            reason = "\n".join(filter(None, (reason, leftovers.describe(store, attempt.request.app))))
    attempt.events.emit(
        End(
            outcome=ending.outcome,
            exit=ending.exit,
            reason=reason,
            live=live,
            looked=looked,
            before=attempt.before,
            release=attempt.wanted.id or None,
            number=attempt.lease.number,
            weak=tuple(sorted(attempt.memory.weak)),
            holder=ending.holder,
            head=_head(attempt),
            warm_until=_warm_until(attempt, live) if ending.outcome == "live" else None,
        )
    )


def _head(attempt: Attempt) -> Head | None:
    """Return how far the journal goes. An unlock by force accepts what is left of one that was cut."""
    request = attempt.request
    seen = None if request.verb == "unlock" and request.force else request.head
    with contextlib.suppress(Exception):
        return attempt.store.journal.head(seen)
    return None


def _warm_until(attempt: Attempt, live: LiveRelease | None) -> float | None:
    """Return until when the release before stays up, in seconds since the epoch; None where there is none."""
    if attempt.before is None or live is None or attempt.before == live.id:
        return None
    return float(live.since or time.time()) + attempt.wanted.app.standby
