"""The act of every step. Each act may be repeated, and may be killed in its middle. To add one, add a row here.

Acts that a rollback never needs are imported when they run, so that it starts sooner.

An act returns False where it found the release wanting. That is no error of the act itself.
"""

from __future__ import annotations

from collections.abc import Callable

from switchyard.core.errors import SwitchyardError
from switchyard.core.journal import StepEntry
from switchyard.core.steps import SWITCHING, TOUCHES_LIVE, Step, StepName
from switchyard.core.wire.events import StepBegins, StepEnds
from switchyard.host.adapters.kernel import now
from switchyard.host.attempt import Attempt
from switchyard.host.steps import colour, edge, hold, look, singletons, switch


def _build(attempt: Attempt, colour: str) -> None:
    from switchyard.host.steps.build import build

    build(attempt, colour)


def _run_oneshots(attempt: Attempt, colour: str) -> bool:
    from switchyard.host.steps.oneshots import run_oneshots

    return run_oneshots(attempt, colour)


def _bring_up_shared(attempt: Attempt, colour: str) -> bool:
    from switchyard.host.steps.shared import bring_up

    return bring_up(attempt, colour)


def _apply_shared(attempt: Attempt, colour: str) -> None:
    from switchyard.host.steps.shared import apply

    apply(attempt, colour)


def _scale(attempt: Attempt, colour: str) -> None:
    from switchyard.host.steps.scale import scale_live

    scale_live(attempt, colour)


def _restart(attempt: Attempt, colour: str) -> None:
    from switchyard.host.steps.restart import restart_each

    restart_each(attempt, colour)


def _receive_again(attempt: Attempt, colour: str) -> None:
    """Raise: only the verb receives a release, and its record has gone since."""
    folder = attempt.store.release(attempt.wanted.id)
    raise SwitchyardError(
        f"release {attempt.wanted.id} is gone from this host: somebody deleted {folder}/release.json meanwhile. Run "
        "the command again: it sends the release anew"
    )


ACTS: dict[StepName, Callable[[Attempt, str], bool | None]] = {
    "receive": _receive_again,
    "build": _build,
    "shared": _bring_up_shared,
    "edge": edge.bring_up,
    "oneshots": _run_oneshots,
    "retire": colour.retire,
    "up": colour.bring_up,
    "prove": colour.prove,
    "smoke": look.smoke,
    "hold": hold.hold,
    "switch": switch.switch,
    "stop_singletons": singletons.stop,
    "start_singletons": singletons.start,
    "prove_singletons": singletons.prove,
    "release": hold.let_through,
    "look": look.look,
    "seen": look.await_verdict,
    "cancel": colour.cancel,
    "standby": colour.end_standby,
    "restart": _restart,
    "scale": _scale,
    "apply_shared": _apply_shared,
    "apply_edge": edge.apply,
}
"""Step to its act, which gets the attempt and the step's colour, or an empty text where it has none."""


def act(attempt: Attempt, step: Step) -> None:
    """Carry a step out: compare the fencing number first, journal the intent before and the outcome after."""
    attempt.lease.guard()
    if step.name in TOUCHES_LIVE and attempt.request.verb not in SWITCHING:  # a switch tells its moment itself
        attempt.lease.has_switched = True
        attempt.lease.renew()
    journal = attempt.store.journal
    journal.append(StepEntry(**attempt.author, step=step.name, colour=step.colour, what="intent"))
    attempt.events.emit(StepBegins(step.name, step.colour))
    started = now()
    outcome = "failed"
    attempt.commands.begin_step()
    try:
        if ACTS[step.name](attempt, step.colour or "") is not False:
            outcome = "done"
    finally:
        seconds = round(now() - started, 3)
        journal.append(StepEntry(**attempt.author, step=step.name, colour=step.colour, what=outcome, seconds=seconds))
        attempt.events.emit(StepEnds(step.name, step.colour, outcome, seconds, attempt.commands.of_step))
