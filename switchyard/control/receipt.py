"""The end of a deploy or a rollback: what happened, what is live now, and how to go back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from switchyard.control.channel import UNSEEN
from switchyard.control.deployment import Flow, cancel
from switchyard.control.screen import Screen, probes
from switchyard.core.errors import INTERRUPTED, UNVERIFIED
from switchyard.core.wire.checks import ChecksSummary


def is_live(end: Mapping[str, Any]) -> str:
    """What is live after an attempt, as a sentence; what could not be looked at is not nothing."""
    if end["live"]:
        return f"live is {end['live']['id']} ({end['live']['state']})"
    return "nothing is live" if end["looked"] else "what is live was not seen; look with inv status"


def most_telling(ends: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The end that speaks for all machines: where one fails and the others are cancelled, how the one failed."""
    return min(ends, key=lambda end: (end["exit"] == 0, end["exit"] == INTERRUPTED, end["exit"] == UNVERIFIED))


def receipt(flows: list[Flow], screen: Screen, checks: ChecksSummary | None = None) -> int:
    """What happened on each machine, what is live there now, and how to go back. Returns the exit code."""
    machines, reasons = [], []
    ends = [flow.end or UNSEEN for flow in flows]
    decisive = most_telling(ends)
    for flow, end in zip(flows, ends, strict=True):
        found: dict[str, int | None] = flow.prober.stop() if flow.prober else {"sent": None, "failed": None}
        name = flow.line.machine.name
        machines.append(
            {
                "name": name,
                "before": end["before"],
                "steps": flow.screen.steps.get(name, []),
                "executions": flow.line.executions,
                "probes": found,
            }
        )
        if end["reason"]:
            screen.say(f"{name}: {end['outcome']}: {end['reason']}", "yellow" if end["exit"] in (0, 6) else "red")
        live = end["live"]
        screen.say(
            f"{name}: {flow.line.executions} remote executions; probes through the public address: {probes(found)}"
            + (f" ({flow.prober.first_failure})" if flow.prober and flow.prober.first_failure else "")
        )
        screen.told(name)
        weak = end.get("weak")
        if weak:
            screen.say(
                f"{name}: weak: {', '.join(weak)} declare no health check; their ports and 10 s without a restart "
                "spoke for them",
                "yellow",
            )
        screen.say(f"{name}: {is_live(end)}", "bold")
        until = end.get("warm_until")
        warm = time.strftime("warm until %H:%M", time.localtime(until)) if until else "not warm"
        if end["exit"] in (0, 6) and end["before"] and live and live["id"] != end["before"]:
            screen.say(f"go back with: inv rollback --host {flow.host.name} --to {end['before']}   ({warm})", "bold")
        if end["exit"]:
            named = len(flows) == 1 or end["reason"].startswith((f"{name}: ", f"{name} ("))
            reasons.append(end["reason"] if named else f"{name}: {end['reason']}")
    if checks is not None and checks.overridden:
        screen.say(f"predeploy: {checks.overridden}", "yellow")
    release = next((end["release"] for end in (decisive, *ends) if end["release"]), None)
    finish(screen, {**decisive, "release": release, "reason": "; ".join(reasons)}, machines, checks)
    return int(decisive["exit"])


def interrupted(flows: list[Flow], screen: Screen, checks: ChecksSummary | None = None) -> int:
    """Ctrl-C: before its switch a machine's attempt is cancelled and cleans up; after it, it goes on by itself."""
    waiting = [flow for flow in flows if not flow.switched and flow.end is None]
    if waiting:
        screen.say("cancelling …", "yellow")
    for flow in waiting:
        flow.events = flow.line.events()  # Ctrl-C has ended those of before
    cancel(waiting)
    for flow in flows:
        if flow.end is None and flow.switched:
            flow.unseen(INTERRUPTED, "the host goes on by itself; see inv status", "detached")
        elif flow.end is None and not flow.line.followed:
            flow.unseen(INTERRUPTED, "not begun, as far as it is known here; see inv status", "lost")
        elif flow.end is None:
            flow.unseen(INTERRUPTED, "asked to cancel, and the end was not seen; see inv status", "lost")
        elif flow.end["outcome"] == "cancelled":
            flow.end = {**flow.end, "reason": "nothing live changed"}
    return receipt(flows, screen, checks)


def finish(
    screen: Screen,
    end: Mapping[str, Any],
    machines: list[dict[str, Any]],
    checks: ChecksSummary | None = None,
) -> None:
    """The receipt that a program reads; the reason stands in it where it is needed."""
    told = {key: end[key] for key in ("outcome", "release", "exit")}
    told |= {"reason": end["reason"]} if end["exit"] else {}
    told |= {"predeploy": checks.encode()} if checks and (checks.outcome != "pass" or checks.overridden) else {}
    screen.finish({"v": 1, **told, "hosts": machines})
