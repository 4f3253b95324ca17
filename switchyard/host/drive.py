"""Observe, decide, act, and observe again, until the goal of an attempt is reached."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections import Counter

from switchyard.core.errors import (
    REFUSED,
    TAKEN_BACK,
    UNVERIFIED,
    NotChecked,
    SwitchyardError,
)
from switchyard.core.next_step import Done, Want, next_step
from switchyard.core.site import Site
from switchyard.core.steps import Step
from switchyard.host import prune
from switchyard.host.adapters import engine
from switchyard.host.adapters.disk import describe_full, is_full
from switchyard.host.adapters.files import write
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lease import Superseded
from switchyard.host.attempt import Attempt, Cancelled
from switchyard.host.steps.table import act

STEPS = 60
"""More steps than any site needs: a guard against a machine that never settles."""


TRIES = 3
"""Failures of one step after the switch, where going on is the only way."""


def drive(attempt: Attempt, want: Want) -> str:
    """Observe, decide, act, and observe again, until nothing is left to do and that is recorded.

    Past the switch going on is the only way: whatever fails is tried again, and a step that keeps failing speaks
    against the release.
    """
    tries: Counter[Step | Done | None] = Counter()
    for _ in range(STEPS):
        step: Step | Done | None = None
        try:
            attempt.tick()
            step = next_step(want, _observed(attempt))
            if isinstance(step, Done):
                _record(attempt, step.outcome)
                return step.outcome
            act(attempt, step)
        except (Superseded, Cancelled):
            raise
        except Exception as error:
            told = as_error(attempt, error)
            if isinstance(error, NotChecked):
                attempt.memory.forget_singletons()
            tries[step] += 1
            often = step is not None and tries[step] >= TRIES
            if often and attempt.memory.verdict == "unknown" and _has_not_moved(attempt, step):
                attempt.switched = False
            if not attempt.switched or (often and (attempt.memory.verdict == "wrong" or isinstance(step, Done))):
                raise told from None
            with contextlib.suppress(OSError):
                attempt.emit("progress", text=f"{step or 'a look at this host'} is tried again: {told}")
            if often:
                attempt.memory.verdict, attempt.memory.reason, tries[step] = "wrong", str(told), 0
    raise SwitchyardError(f"{attempt.verb} did not settle within {STEPS} steps; see inv status")


def as_error(attempt: Attempt, error: BaseException) -> SwitchyardError:
    """An error as it is told. After that of a full disk the reserve lets what follows write."""
    if isinstance(error, SwitchyardError):
        return error
    if isinstance(error, OSError) and is_full(error):
        told = describe_full(attempt.store.root)
        attempt.store.reserve.spend()
        return SwitchyardError(told)
    with contextlib.suppress(OSError):
        write(attempt.folder / "traceback", attempt.redact("".join(traceback.format_exception(error))))
    return SwitchyardError(f"the host program met an error of its own: {error!r}")


def _has_not_moved(attempt: Attempt, step: Step | Done | None) -> bool:
    """Whether a switch failed so that neither the proxy nor its map file knows of it."""
    return (
        isinstance(step, Step)
        and step.name == "switch"
        and step.colour not in (attempt.proxy.live(), attempt.proxy.file_live())
    )


def _observed(attempt: Attempt) -> Site:
    """This machine now. Past the switch an engine that is away is waited for: going on is the only way."""
    deadline = now() + engine.BACK_WITHIN
    while True:
        try:
            return attempt.site()
        except NotChecked:
            if not attempt.switched or now() > deadline:
                raise
            attempt.memory.forget_singletons()
        attempt.tick()
        time.sleep(0.2)


def _record(attempt: Attempt, outcome: str) -> None:
    """Marks the release by what was seen, and lets go of what is kept no longer."""
    store = attempt.store
    if outcome == "failed":
        raise SwitchyardError(attempt.memory.reason)
    if outcome == "live":
        store.releases.update(attempt.release, state="good" if attempt.memory.verdict == "ok" else "unverified")
        if (attempt.verb == "rollback" or attempt.request.get("back")) and attempt.before:
            store.releases.update(attempt.before, state="bad", reason="rolled back from")
        with contextlib.suppress(SwitchyardError, OSError):
            prune.prune(attempt)
    if outcome == "taken back":
        store.releases.update(attempt.release, state="bad", reason=attempt.redact(attempt.memory.reason))


def settled(attempt: Attempt, outcome: str) -> tuple[str, int]:
    """How an attempt that ran to its end is told, and its exit code."""
    if outcome == "live":
        return ("live", 0) if attempt.memory.verdict == "ok" else ("unverified", UNVERIFIED)
    if outcome == "taken back":
        return outcome, TAKEN_BACK
    return (outcome, UNVERIFIED) if outcome == "held" else (outcome, REFUSED)
