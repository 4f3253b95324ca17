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
    """What must exist or be set for the check to run."""
    run: Callable[[Subject], Result]
    source: Path
    """The check's module. A change of it, or of a module beside it, invalidates cached passes."""
    lasts: Callable[[Subject], float] = lambda subject: FOREVER
    """Seconds for which a pass stays valid in the cache; ``never`` for a check that talks to the outside."""
    after: tuple[str, ...] = ()
    """Checks that must end before this one starts."""
    waits: bool = False
    """Whether the check mostly waits for answers from elsewhere. It then takes no core from the others."""
    per_machine: Callable[[Subject], tuple[Subject, ...]] = lambda subject: (subject,)
    """Returns the subject once for each machine to look at; most checks look at what all machines share."""


def never(subject: Subject) -> float:
    """Return 0: no pass of the check is cached."""
    return 0.0
