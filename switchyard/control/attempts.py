"""The attempts of one verb on all machines of a host: how they are cancelled, and how they are reported."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace

from switchyard.control.journal_heads import LACKS
from switchyard.control.machine_attempt import Ended, MachineAttempt
from switchyard.control.receipt import UNSEEN, describe_live, receipt
from switchyard.control.screen import Screen, describe_probes
from switchyard.core.errors import INTERRUPTED, OK, UNVERIFIED, SwitchyardError
from switchyard.core.wire.checks import ChecksSummary
from switchyard.core.wire.events import End
from switchyard.core.wire.receipt import MachineReceipt

STATUS = "Look with inv status"


def cancel(attempts: Sequence[MachineAttempt]) -> None:
    """Ask every running attempt to clean up, and wait for their ends."""
    running = [attempt for attempt in attempts if attempt.is_running]
    for attempt in running:
        attempt.channel.cancel()
    for attempt in running:
        with contextlib.suppress(Ended, SwitchyardError):
            attempt.follow_to(End)


def interrupt(attempts: Sequence[MachineAttempt], screen: Screen) -> None:
    """Handle Ctrl-C: cancel each attempt before its switch, and leave it to its host after it."""
    waiting = [attempt for attempt in attempts if not attempt.has_switched and attempt.end is None]
    if waiting:
        screen.say("cancelling …", "yellow")
    for attempt in waiting:
        attempt.restart_events()
    cancel(waiting)
    for attempt in attempts:
        _end_interrupted(attempt)


def _end_interrupted(attempt: MachineAttempt) -> None:
    if attempt.end is not None:
        if attempt.end.outcome == "cancelled":
            attempt.end = replace(attempt.end, reason="nothing live changed")
    elif attempt.has_switched:
        attempt.end_unseen(INTERRUPTED, f"the host goes on by itself. {STATUS}", "detached")
    elif attempt.channel.has_begun:
        attempt.end_unseen(INTERRUPTED, f"asked to cancel, but its end was not seen. {STATUS}", "lost")
    else:
        attempt.end_unseen(INTERRUPTED, f"not begun, as far as the control node knows. {STATUS}", "lost")


def report(attempts: Sequence[MachineAttempt], screen: Screen, checks: ChecksSummary | None = None) -> int:
    """Show what happened on each machine, what is live there and how to go back. Return the exit code."""
    for attempt in attempts:
        attempt.doubt()
    machines = [_report_machine(attempt, screen) for attempt in attempts]
    if checks is not None and checks.overridden:
        screen.say(f"predeploy: {checks.overridden}", "yellow")
    summary = receipt({attempt.name: attempt.end or UNSEEN for attempt in attempts}, machines, checks)
    screen.finish(summary)
    return summary.exit


def acknowledge(attempts: Sequence[MachineAttempt]) -> None:
    """Tell every machine that its end was printed.

    Where some machines went live and others did not, the verb is not done: typed again, it confirms those that did.
    """
    exits = [attempt.end.exit if attempt.end is not None else None for attempt in attempts]
    if OK in exits and set(exits) != {OK}:
        return
    for attempt in attempts:
        attempt.acknowledge()


def _report_machine(attempt: MachineAttempt, screen: Screen) -> MachineReceipt:
    name, end, machine = attempt.name, attempt.end or UNSEEN, attempt.receipt()
    if end.reason:
        screen.say(f"{name}: {end.outcome}: {end.reason}", "yellow" if end.exit in (OK, UNVERIFIED) else "red")
    failure = f" ({attempt.prober.first_failure})" if attempt.prober and attempt.prober.first_failure else ""
    screen.say(
        f"{name}: {machine.executions} remote executions; probes through the public address: "
        f"{describe_probes(machine.probes)}{failure}"
    )
    screen.open_connections(name)
    if attempt.channel.journal == LACKS:
        screen.say(f"{name}: journal: {LACKS}", "red")
    if end.weak:
        screen.say(
            f"{name}: weak: {', '.join(end.weak)} declare no health check; only their ports and 10 s without a restart "
            "speak for them",
            "yellow",
        )
    screen.say(f"{name}: {describe_live(end)}", "bold")
    if end.exit in (OK, UNVERIFIED) and end.before and end.live and end.live.id == end.release != end.before:
        back = f"inv rollback --host {attempt.host.name} --to {end.before}"
        screen.say(f"go back with: {back}   ({_warmth(end)})", "bold")
    return machine


def _warmth(end: End) -> str:
    """Return until when a rollback is warm, by the control node's clock."""
    if not end.warm_until:
        return "not warm"
    return time.strftime("warm until %H:%M", time.localtime(end.warm_until))
