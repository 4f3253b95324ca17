"""What ``inv predeploy --json FILE`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from switchyard.core.wire.message import Form, Json, Message, message
from switchyard.core.wire.terms import CheckOutcome, Positive, Seconds, TreeId


@message(frozen=True)
class FindingReport(Message):
    """One finding of a check."""

    rule: str
    severity: Annotated[str, Form(choices=("error", "warn", "info"))]
    place: str
    """A file, table, service or variable."""
    line: Positive | None
    what: str
    do: str


@message(frozen=True)
class CheckReport(Message):
    """One check's result beside its gate."""

    name: str
    group: Annotated[str, Form(choices=("code", "tests", "database", "configuration"))]
    gate: Annotated[str, Form(choices=("required", "advisory", "no-worse-than-live"))]
    outcome: CheckOutcome
    seconds: Seconds
    cached: float | None
    """Since when a kept pass stands, in seconds since the epoch; null where the check ran now."""
    findings: tuple[FindingReport, ...]
    reason: str
    allowed: str | None
    """Why it may be unknown, where somebody allowed that."""
    facts: Mapping[str, Json]
    """Figures of the check's own; ``machines`` has those of each machine where it looked at several."""


@message(frozen=True)
class PredeployReport(Message):
    """All checks of one run."""

    VERSION: ClassVar[int | None] = 1

    tree: TreeId
    """The git tree that the checks looked at."""
    outcome: Annotated[str, Form(choices=("pass", "fail", "unknown"))]
    checks: tuple[CheckReport, ...]
