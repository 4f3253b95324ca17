"""What a check is: a name, what a pass proves, and the function that looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from switchyard.predeploy.engine.result import Result
from switchyard.predeploy.engine.subject import Subject

GROUPS = ("code", "tests", "database", "configuration")
"""The four parts of the protocol's validation, in its order."""
FOREVER = float("inf")


@dataclass(frozen=True)
class Check:
    """One box of the protocol's validation."""

    name: str
    group: str
    proves: str
    """What a pass means, as a sentence."""
    needs: str
    """What must be there or set for it to run."""
    run: Callable[[Subject], Result]
    source: Path
    """The file whose change makes cached passes stale."""
    lasts: Callable[[Subject], float] = lambda subject: FOREVER
    """Seconds for which a pass may be taken from the cache; what talks to the outside is ``never``."""
    after: tuple[str, ...] = ()
    """Checks that must have ended before it begins."""
    waits: bool = False
    """Whether it waits for others' answers more than it computes, so that it takes no core from the others."""
    machines: Callable[[Subject], tuple[Subject, ...]] = lambda subject: (subject,)
    """The machines that it runs for, each with what is its own; others look at what all machines share."""


def never(subject: Subject) -> float:
    """No pass is taken from the cache."""
    return 0.0
