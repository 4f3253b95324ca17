"""What the checks of a commit come to: kept beside its release, and shown in a receipt."""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, ClassVar

from switchyard.core.wire.message import Form, Message, message
from switchyard.core.wire.terms import CheckOutcome, Seconds, TreeId


@message(frozen=True)
class CheckRecord(Message):
    """One check's result, for the next release to be compared with."""

    outcome: Annotated[str, Form(choices=("pass", "fail"))]
    tools: Mapping[str, str]
    """Each tool's version."""
    findings: tuple[tuple[str, str, str], ...]
    """Rule, place and source line of each finding."""
    tests: Mapping[str, Annotated[str, Form(choices=("passed", "failed", "flaky", "skipped"))]]
    """Each collected test with its outcome."""


@message(frozen=True)
class ChecksRecord(Message):
    """checks.json beside a release: what the next one is compared with."""

    VERSION: ClassVar[int | None] = 1

    tree: TreeId
    """The git tree that the checks looked at."""
    checks: Mapping[str, CheckRecord]
    overridden: str = ""
    """Which checks were left out or let through, and why; empty where none was."""


@message(frozen=True)
class ChecksSummary(Message):
    """What a deploy's receipt says of its checks."""

    outcome: Annotated[str, Form(choices=("pass", "fail", "unknown"))]
    tree: TreeId
    seconds: Seconds
    checks: Mapping[str, CheckOutcome] = field(default_factory=dict)
    overridden: str | None = None
    """Which checks were left out or let through, and why."""
