"""Observe, decide, act, and observe again, until an attempt reaches its goal."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections import Counter

from switchyard.core.bug import describe_bug
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.core.next_step import Done, Want, next_step
from switchyard.core.site import Site
from switchyard.core.steps import Step
from switchyard.host import prune
from switchyard.host.adapters import engine
from switchyard.host.adapters.disk import describe_full, is_full
from switchyard.host.adapters.files import DamagedFile, write
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from switchyard.host.steps.edge import settle_if_possible
from switchyard.host.steps.table import act

STEPS_MOST = 60
"""More steps than any site needs: a guard against a machine that never settles."""
TRIES = 3
"""Failures in a row after which a step speaks against the release. After the switch the attempt can only go on."""


def drive(attempt: Attempt, want: Want) -> str:
    """Observe, decide, act, and observe again, until nothing is left to do. Return the recorded outcome.

    After the switch the attempt can only go on: it retries whatever fails, and a step that keeps failing speaks
    against the release.
    """
    tries: Counter[Step | Done | None] = Counter()
    for _ in range(STEPS_MOST):
        step: Step | Done | None = None
        try:
            attempt.tick()
            step = next_step(want, _observe(attempt))
            if isinstance(step, Done):
                _record(attempt, want, step.outcome)
                return step.outcome
            act(attempt, step)
        except (Superseded, Cancelled):
            raise
        except Exception as error:
            tries[step] += 1
            keeps_failing = step is not None and tries[step] >= TRIES
            _go_on_after(attempt, step, error, keeps_failing=keeps_failing)
            if keeps_failing:
                tries[step] = 0
    raise SwitchyardError(f"{attempt.request.verb} did not settle within {STEPS_MOST} steps; see inv status")


def _go_on_after(attempt: Attempt, step: Step | Done | None, error: Exception, *, keeps_failing: bool) -> None:
    """Prepare the next try of a step that failed. Raise where the attempt cannot go on."""
    failure = as_failure(attempt, error)
    memory, lease = attempt.memory, attempt.lease
    if isinstance(error, NotChecked):
        memory.forget_started()
    if keeps_failing and memory.verdict == "unknown" and _is_switch_without_effect(attempt.proxy, step):
        lease.has_switched = False
    is_hopeless = keeps_failing and (memory.verdict == "wrong" or isinstance(step, Done))
    if not lease.has_switched or is_hopeless:
        raise failure from None
    with contextlib.suppress(OSError):
        attempt.events.progress(f"retrying {step or 'to look at this host'}: {failure}")
    if keeps_failing:
        memory.verdict, memory.reason = "wrong", str(failure)


def as_failure(attempt: Attempt, error: BaseException) -> SwitchyardError:
    """Return an error in the words that the control node reads.

    A full disk spends the reserve, so that what follows can write. A bug leaves its traceback beside the attempt.
    """
    if isinstance(error, SwitchyardError):
        return error
    if isinstance(error, OSError) and is_full(error):
        reason = describe_full(attempt.store.root)
        attempt.store.reserve.spend()
        return SwitchyardError(reason)
    words, path = describe_bug("the host program", error), attempt.folder / "traceback"
    with contextlib.suppress(OSError):
        write(path, attempt.wanted.redact("".join(traceback.format_exception(error))))
        words += f". Read {path} there, and report it with that file"
    return SwitchyardError(words)


def _is_switch_without_effect(proxy: Proxy, step: Step | Done | None) -> bool:
    """Return whether a switch failed before it reached the proxy and the map file."""
    if not isinstance(step, Step) or step.name != "switch":
        return False
    return step.colour not in (proxy.live(), proxy.file_live())


def _observe(attempt: Attempt) -> Site:
    """Return this machine as it is now. After the switch, wait for an engine that does not answer."""
    deadline = now() + engine.BACK_WITHIN
    while True:
        try:
            return attempt.site()
        except NotChecked:
            if not attempt.lease.has_switched or now() > deadline:
                raise
            attempt.memory.forget_started()
        attempt.tick()
        time.sleep(0.2)


def _record(attempt: Attempt, want: Want, outcome: str) -> None:
    """Write the outcome into the release's record, and prune after a success. A repair does not undo a verification."""
    releases, memory = attempt.store.releases, attempt.memory
    if outcome == "failed":
        if attempt.lease.has_switched:  # requests waited already, so it is taken back
            memory.verdict = "wrong"
        raise SwitchyardError(memory.reason)
    if outcome == "live" and (memory.verdict == "ok" or want.verb != "repair"):
        releases.update(attempt.wanted.id, state="good" if memory.verdict == "ok" else "unverified")
        if attempt.leaves is not None and attempt.leaves != attempt.wanted.id:
            _mark_left(attempt, attempt.leaves)
        with contextlib.suppress(SwitchyardError, OSError):
            prune.prune(attempt)
    if outcome == "taken back":
        was_live = attempt.wanted.record.since is not None  # else its exclusive services failed before the switch
        state = "bad" if was_live and not memory.is_mistake_of_settings else "failed"
        releases.update(attempt.wanted.id, state=state, reason=attempt.wanted.told(memory.reason))
        settle_if_possible(attempt)


def _mark_left(attempt: Attempt, release: str) -> None:
    """Mark the release that a way back left as bad. One whose record is damaged is named instead."""
    try:
        attempt.store.releases.update(release, state="bad", reason="rolled back from")
    except DamagedFile as error:
        attempt.events.progress(f"{release} is not marked as bad: {error}")
