"""The receipt of a verb: how each machine's attempt ended, as one value that ``--json`` prints.

``inv`` builds a receipt for every error that a verb raises, so this module imports nothing but the core.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from switchyard.core.errors import BAD_INPUT, INTERRUPTED, NOT_CHECKED, REFUSED, UNVERIFIED
from switchyard.core.wire.checks import ChecksSummary
from switchyard.core.wire.events import End
from switchyard.core.wire.receipt import MachineReceipt, Receipt

OUTCOMES: Mapping[int, str] = {
    BAD_INPUT: "bad input",
    NOT_CHECKED: "not checked",
    REFUSED: "refused",
    INTERRUPTED: "interrupted",
}
"""The outcome of a verb that the control node ends, by its exit code; ``failed`` for any other."""
UNSEEN = End(outcome="lost", exit=NOT_CHECKED, reason="the end of the attempt was not seen")
"""The end of an attempt that nobody on the control node knows, nor what it changed."""


def early_end(code: int, reason: str, *, checks: ChecksSummary | None = None, outcome: str | None = None) -> Receipt:
    """Return the receipt of a verb that ended before any machine's attempt."""
    return Receipt(outcome=outcome or outcome_of(code), release=None, exit=code, reason=reason, predeploy=checks)


def early_end_json(code: int, reason: str) -> str:
    """Return what ``--json`` prints for an error."""
    return json.dumps(early_end(code, reason).encode())


def outcome_of(code: int) -> str:
    """Return the outcome of a verb that the control node ends with this exit code."""
    return OUTCOMES.get(code, "failed")


def describe_live(end: End) -> str:
    """Return what is live after an attempt, as a sentence. What nobody looked at is unknown, not nothing."""
    if end.live is not None:
        return f"live is {end.live.id} ({end.live.state})"
    return "nothing is live" if end.looked else "what is live is unknown. Look with inv status"


def decisive_end(ends: Sequence[End]) -> End:
    """Return the end that decides the outcome: a failure comes before the cancellations that it causes."""
    return min(ends, key=lambda end: (end.exit == 0, end.exit == INTERRUPTED, end.exit == UNVERIFIED))


def receipt(
    ends: Mapping[str, End], machines: Sequence[MachineReceipt], checks: ChecksSummary | None = None
) -> Receipt:
    """Return the receipt of an attempt on each machine. ``ends`` holds each machine's end by its name."""
    decisive = decisive_end([*ends.values()])
    releases = [end.release for end in (decisive, *ends.values()) if end.release]
    reasons = [_reason(name, end, is_alone=len(ends) == 1) for name, end in ends.items() if end.exit]
    shows_checks = checks is not None and (checks.outcome != "pass" or checks.overridden)
    return Receipt(
        outcome=decisive.outcome,
        release=releases[0] if releases else None,
        exit=decisive.exit,
        reason="; ".join(reasons) if decisive.exit else None,
        predeploy=checks if shows_checks else None,
        hosts=tuple(machines),
    )


def _reason(machine: str, end: End, *, is_alone: bool) -> str:
    """Return why an attempt ended, with the machine's name where several have one."""
    is_named = is_alone or end.reason.startswith((f"{machine}: ", f"{machine} ("))
    return end.reason if is_named else f"{machine}: {end.reason}"
