"""What each step does on this machine. Every act may be repeated, and may be killed in its middle."""

from __future__ import annotations

from collections.abc import Callable

from switchyard.core.journal import StepEntry
from switchyard.core.steps import Step, StepName
from switchyard.host.adapters.kernel import now
from switchyard.host.attempt import Attempt
from switchyard.host.steps import build, colour, edge, look, oneshots, restart, scale, shared, singletons, switch

ACTS: dict[StepName, Callable[[Attempt, str | None], bool | None]] = {
    "build": build.build,
    "shared": shared.shared,
    "edge": edge.edge_up,
    "oneshots": oneshots.oneshots,
    "retire": colour.retire,
    "up": colour.up,
    "prove": colour.prove,
    "smoke": look.smoke,
    "switch": switch.switch,
    "stop_singletons": singletons.stop_singletons,
    "start_singletons": singletons.start_singletons,
    "prove_singletons": singletons.prove_singletons,
    "look": look.look,
    "seen": look.seen,
    "cancel": colour.cancel,
    "standby": colour.standby,
    "restart": restart.restart_each,
    "scale": scale.scale_live,
    "apply_shared": shared.apply_shared,
    "apply_edge": edge.apply_edge,
}
"""What each step does. False is the word of an act that it found the release wanting, which is no error of its own."""


def act(attempt: Attempt, step: Step) -> None:
    """Carries one step out: the fencing number first, an intent before, an outcome after."""
    attempt.store.lease.guard(attempt.number)
    journal = attempt.store.journal
    journal.append(StepEntry(**attempt.author, step=step.name, colour=step.colour, what="intent"))
    attempt.emit("step", step=step.name, colour=step.colour, state="begins")
    started = now()
    outcome, attempt.carried = "failed", []
    try:
        if ACTS[step.name](attempt, step.colour) is not False:
            outcome = "done"
    finally:
        seconds = round(now() - started, 3)
        journal.append(StepEntry(**attempt.author, step=step.name, colour=step.colour, what=outcome, seconds=seconds))
        told = {"state": outcome, "seconds": seconds, "commands": attempt.carried}
        attempt.emit("step", step=step.name, colour=step.colour, **told)
