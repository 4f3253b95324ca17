"""What each step does on this machine. Every act may be repeated, and may be killed in its middle."""

from __future__ import annotations

from collections.abc import Callable

from switchyard.core.next_step import Step
from switchyard.host.adapters.store import now
from switchyard.host.attempt import Attempt
from switchyard.host.steps import build as images
from switchyard.host.steps import colours, ground, oneshots, switching

ACTS: dict[str, Callable[[Attempt, str | None], bool | None]] = {
    "build": images.build,
    "shared": ground.shared,
    "edge": ground.edge_up,
    "oneshots": oneshots.oneshots,
    "retire": colours.retire,
    "up": colours.up,
    "prove": colours.prove,
    "smoke": colours.smoke,
    "switch": switching.switch,
    "stop_singletons": switching.stop_singletons,
    "start_singletons": switching.start_singletons,
    "prove_singletons": switching.prove_singletons,
    "look": switching.look,
    "seen": switching.seen,
    "cancel": colours.cancel,
    "standby": colours.standby,
}
"""What each step does. False is the word of an act that it found the release wanting, which is no error of its own."""


def act(attempt: Attempt, step: Step) -> None:
    """Carries one step out: the fencing number first, an intent before, an outcome after."""
    attempt.store.guard(attempt.number)
    fields = {"step": step.name, "colour": step.colour}
    attempt.note(**fields, what="intent")
    attempt.emit("step", step=step.name, colour=step.colour, state="begins")
    started = now()
    outcome, attempt.carried = "failed", []
    try:
        if ACTS[step.name](attempt, step.colour) is not False:
            outcome = "done"
    finally:
        seconds = round(now() - started, 3)
        attempt.note(**fields, what=outcome, seconds=seconds)
        told = {"state": outcome, "seconds": seconds, "commands": attempt.carried}
        attempt.emit("step", step=step.name, colour=step.colour, **told)
