"""The host program: one attempt from its lease to its end, on its own, whoever is still listening."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

from switchyard.core.errors import (
    FAILED,
    UNVERIFIED,
    Refused,
    SwitchyardError,
)
from switchyard.core.journal import EndEntry
from switchyard.core.steps import Step
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.request import Holder
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt, Cancelled
from switchyard.host.drive import as_error
from switchyard.host.facts import live_release
from switchyard.host.receive import Unchanged
from switchyard.host.steps.table import act
from switchyard.host.takeover import take
from switchyard.host.verbs.table import VERBS

SWITCHING = ("deploy", "rollback")
"""The verbs that move traffic."""


def run(root: Path, folder: Path) -> None:
    """The whole attempt whose request stands in ``folder``; its end is the last line of its events."""
    request = json.loads((folder / "request.json").read_text())
    store = Store(root)
    attempt = Attempt(store, folder, request)
    outcome, code, held = "failed", FAILED, None
    try:
        take(attempt)
        outcome, code = VERBS[attempt.verb](attempt)
    except Unchanged as error:
        outcome, code, attempt.memory.reason = "unchanged", error.exit, str(error)
    except Superseded as error:
        outcome, code, attempt.memory.reason = "superseded", error.exit, str(error)
    except BaseException as error:
        told = as_error(attempt, error)
        code, attempt.memory.reason, held = told.exit, str(told), getattr(told, "holder", None)
        outcome = "cancelled" if isinstance(told, Cancelled) else ("refused" if isinstance(told, Refused) else "failed")
        if attempt.switched and attempt.verb in SWITCHING:  # whatever it met: that nothing live changed is not true
            outcome, code = "held", UNVERIFIED
        _clean_up(attempt, outcome)
    finally:
        _end(attempt, outcome, code, held)


def _clean_up(attempt: Attempt, outcome: str) -> None:
    """Before the switch: the idle colour is taken down and the release marked; what is live was not touched."""
    if attempt.switched or not attempt.release or outcome == "refused":
        return
    attempt.ending = True
    with contextlib.suppress(SwitchyardError):
        site = attempt.site()
        home = site.holder(attempt.release)
        if home is not None and home != site.live and attempt.verb == "deploy":
            act(attempt, Step("cancel", home))
        if home != site.live and attempt.verb == "deploy":
            attempt.store.releases.update(attempt.release, state="failed", reason=attempt.redact(attempt.memory.reason))


def _end(attempt: Attempt, outcome: str, code: int, held: Holder | None) -> None:
    with contextlib.suppress(Exception):
        entry = EndEntry(
            **attempt.author,
            step=attempt.verb,
            what=outcome,
            exit=code,
            who=attempt.request["who"],
            was=attempt.before,
            why=request_reason(attempt),
        )
        attempt.store.reserve.spending(lambda: attempt.store.journal.append(entry))
    with contextlib.suppress(Exception):
        attempt.store.reserve.spending(lambda: attempt.store.lease.free(attempt.number))
    live, looked = None, False
    with contextlib.suppress(Exception):
        live, looked = live_release(attempt.store, attempt.request["app"]), True
    attempt.emit(
        "end",
        outcome=outcome,
        exit=code,
        number=attempt.number,
        reason=attempt.memory.reason,
        release=attempt.release or None,
        live=live and live.encode(),
        looked=looked,
        before=attempt.before,
        weak=sorted(attempt.memory.weak),
        holder=held and held.encode(),
        warm_until=_warm_until(attempt, live) if outcome == "live" else None,
    )


def _warm_until(attempt: Attempt, live: LiveRelease | None) -> float | None:
    """Until when the release before stays up, in seconds of wall time; None where there is none."""
    if attempt.before is None or live is None or attempt.before == live.id:
        return None
    return float(live.since or time.time()) + attempt.app.standby


def request_reason(attempt: Attempt) -> str:
    """The reason that was given, or what ended the attempt; without any value of the env."""
    return attempt.redact(attempt.request.get("reason") or attempt.memory.reason)
