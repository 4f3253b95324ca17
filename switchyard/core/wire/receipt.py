"""What verbs print with ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, ClassVar

from switchyard.core.journal import OUTCOMES, EndEntry
from switchyard.core.wire.answers import CertificateEnd, KeptRelease, LeaseStatus, SlotStatus
from switchyard.core.wire.checks import ChecksSummary
from switchyard.core.wire.events import Hold
from switchyard.core.wire.message import Form, Json, Message, key, message
from switchyard.core.wire.terms import (
    AppName,
    CommitId,
    Count,
    ExitCode,
    Hash,
    MachineName,
    NonEmpty,
    ReleaseId,
    Seconds,
    Target,
)
from switchyard.core.wire.traffic import Traffic

ENDS = ("killed", "lost", "detached", "bad input", "not checked", "interrupted")
"""Outcomes that no host program records: it was killed, or the control node ended first."""


@message(frozen=True)
class StepReceipt(Message):
    """One step that ended."""

    name: str
    colour: Target | None
    seconds: Seconds
    outcome: Annotated[str, Form(choices=("done", "failed"))]
    commands: tuple[str, ...]


@message(frozen=True)
class Probes(Message):
    """Requests to the public address during a verb; null where nothing was measured."""

    sent: Count | None = None
    failed: Count | None = None


@message(frozen=True)
class MachineReceipt(Message):
    """What happened on one machine."""

    name: MachineName
    before: ReleaseId | None
    """The release that was live when the attempt began."""
    steps: tuple[StepReceipt, ...]
    executions: Count
    """Remote executions."""
    probes: Probes
    holds: tuple[Hold, ...] = field(default=(), metadata=key(omitted=True))
    """Each time that requests to exclusive services waited."""


@message(frozen=True)
class Receipt(Message):
    """What deploy and rollback print, and any verb that ends before it can answer: then it has no machine."""

    VERSION: ClassVar[int | None] = 1
    CONDITIONS: ClassVar[Mapping[str, Json]] = {
        "if": {"properties": {"exit": {"const": 0}}},
        "then": {"properties": {"reason": False, "release": {"type": "string"}}},
        "else": {"required": ["reason"]},
    }

    outcome: Annotated[str, Form(choices=(*OUTCOMES, *ENDS))]
    release: ReleaseId | None
    exit: ExitCode
    reason: str | None = field(default=None, metadata=key(omitted=True))
    """Why, where exit is not 0."""
    predeploy: ChecksSummary | None = field(default=None, metadata=key(omitted=True))
    """What the checks said of the commit; of a deploy only."""
    hosts: tuple[MachineReceipt, ...] = ()


@message(frozen=True)
class MachinePlan(Message):
    """What a deploy would do on one machine."""

    name: MachineName
    steps: tuple[str, ...]
    commands: Mapping[str, tuple[str, ...]]
    """Step to the commands that it would run."""
    changes: tuple[str, ...]
    digest: Hash
    """Over steps and commands."""


@message(frozen=True)
class Plan(Message):
    """What plan, and deploy --dry-run, print."""

    VERSION: ClassVar[int | None] = 1

    outcome: Annotated[str, Form(choices=("planned", "refused"))]
    exit: Annotated[int, Form(choices=(0, 4))]
    commit: CommitId
    hosts: tuple[MachinePlan, ...]


@message(frozen=True)
class Unanswered(Message):
    """A machine that did not answer."""

    name: MachineName
    reason: NonEmpty


@message(frozen=True)
class MachineStatus(Message):
    """What runs on one machine."""

    name: MachineName
    url: str | None
    """Where users reach its first route."""
    live: SlotStatus | None
    idle: SlotStatus | None
    lease: LeaseStatus | None
    kept: tuple[KeptRelease, ...]
    drift: tuple[str, ...]
    """What runs and is not as recorded."""
    edge_lacks: tuple[str, ...] = field(default=(), metadata=key(omitted=True))
    """What the edge's container lacks until ``edge.apply`` recreates it."""
    traffic: Traffic | None = None
    """What the edge counted; null where that is unknown."""
    certificates: tuple[CertificateEnd, ...] = field(default=(), metadata=key(omitted=True))


@message(frozen=True)
class StatusReport(Message):
    """What status prints."""

    VERSION: ClassVar[int | None] = 1

    app: AppName
    hosts: tuple[MachineStatus, ...]
    unknown: tuple[Unanswered, ...] = field(default=(), metadata=key(omitted=True))
    """Machines that did not answer."""


@message(frozen=True)
class MachineHistory(Message):
    """The attempts on one machine."""

    name: MachineName
    attempts: tuple[EndEntry, ...]
    """The newest last."""
    problems: tuple[str, ...]
    """What is wrong with the journal."""


@message(frozen=True)
class HistoryReport(Message):
    """What history prints."""

    VERSION: ClassVar[int | None] = 1

    app: AppName
    hosts: tuple[MachineHistory, ...]
    unknown: tuple[Unanswered, ...] = field(default=(), metadata=key(omitted=True))
    """Machines that did not answer."""
