"""What the probes of the public address say of a release that went live: so many of the last ones, never one alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LAST = 12
"""Probes that decide, the newest: those of a second."""
FAILED_MOST = 2
"""Failures among them that say nothing: under load a probe fails now and then."""


class Probed(NamedTuple):
    """How one probe went."""

    failure: str = ""
    """Empty where the answer was right."""
    is_answer: bool = True
    """Whether the address answered at all. Without an answer, the way to it may have failed."""


class Trouble(NamedTuple):
    """Why a release is not good: ``wrong``, or ``unverified`` where the probes do not tell whose fault it is."""

    verdict: str
    why: str


def trouble(before: Sequence[Probed], since: Sequence[Probed]) -> Trouble | None:
    """Return what the last probes since the switch say against the release; None where they say nothing.

    ``before`` are the probes before the switch. What failed then as well is no word on the release, and no pass.
    """
    last = since[-LAST:]
    failures = _failures(last)
    if len(failures) <= FAILED_MOST:
        return None
    answers = [probe for probe in failures if probe.is_answer]
    is_its_own = len(answers) > FAILED_MOST and len(_failures(before[-LAST:])) <= FAILED_MOST
    why = f"{len(failures)} of the last {len(last)} probes of the public address failed ({failures[-1].failure})"
    return Trouble("wrong" if is_its_own else "unverified", why)


def _failures(probes: Sequence[Probed]) -> list[Probed]:
    return [probe for probe in probes if probe.failure]
