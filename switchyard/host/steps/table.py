"""The act of every step. Each act may be repeated, and may be killed in its middle. To add one, add a row here.

An act returns False where it found the release wanting. That is no error of the act itself.
"""

from __future__ import annotations

from collections.abc import Callable

from switchyard.core.journal import StepEntry
from switchyard.core.steps import Step, StepName
from switchyard.core.wire.events import StepBegins, StepEnds
from switchyard.host.adapters.kernel import now
from switchyard.host.attempt import Attempt
from switchyard.host.steps import build, colour, edge, look, oneshots, restart, scale, shared, singletons, switch

ACTS: dict[StepName, Callable[[Attempt, str], bool | None]] = {
    "build": build.build,
    "shared": shared.bring_up,
    "edge": edge.bring_up,
    "oneshots": oneshots.run_oneshots,
    "retire": colour.retire,
    "up": colour.bring_up,
    "prove": colour.prove,
    "smoke": look.smoke,
    "switch": switch.switch,
    "stop_singletons": singletons.stop,
    "start_singletons": singletons.start,
    "prove_singletons": singletons.prove,
    "look": look.look,
    "seen": look.await_verdict,
    "cancel": colour.cancel,
    "standby": colour.end_standby,
    "restart": restart.restart_each,
    "scale": scale.scale_live,
    "apply_shared": shared.apply,
    "apply_edge": edge.apply,
}
"""Step to its act, which gets the attempt and the step's colour, or an empty text where it has none."""


def act(attempt: Attempt, step: Step) -> None:
    """Carry a step out: compare the fencing number first, journal the intent before and the outcome after."""
    attempt.lease.guard()
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
