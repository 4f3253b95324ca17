"""What the control node says to the host program: one request, then words on the open channel."""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, ClassVar

from switchyard.core.wire.allowance import Allowance
from switchyard.core.wire.message import Form, Json, Message, key, message
from switchyard.core.wire.release import Pack
from switchyard.core.wire.terms import AppName


@message(frozen=True)
class Operator(Message):
    """The process on the control node that waits for an attempt. Only its own machine can tell whether it lives."""

    machine: str | None = field(default=None, metadata=key(omitted=True))
    """Node name, boot id and PID namespace of the control node."""
    pid: int | None = field(default=None, metadata=key(omitted=True))
    started: str | None = field(default=None, metadata=key(omitted=True))
    """When the process started, in the kernel's ticks; ``unknown`` where /proc does not tell."""


@message(frozen=True)
class Holder(Message):
    """The attempt that holds a lease, and the process that waits for it."""

    attempt: str
    operator: Operator


@message(frozen=True)
class Waiver(Message):
    """What the operator's own settings let a release reach of its host."""

    rule: str
    where: str
    """A pattern for a service, or for a service and what it reaches."""


@message(frozen=True)
class Head(Message):
    """How far a journal goes: what the control node keeps of it, so that nobody can cut or rewrite what it saw."""

    lines: int
    digest: str
    """The hash of all these lines."""


@message(frozen=True)
class Request(Message):
    """The first line that a host program reads. Each verb uses the fields that it needs."""

    VERSION: ClassVar[int | None] = 1

    verb: str
    app: AppName
    root: str
    """The application's folder on the host; ``~`` stands for the SSH user's home."""
    host: str | None = field(default=None, metadata=key(omitted=True))
    """The name of the entry under ``hosts:``."""
    operator: Operator = field(default_factory=Operator, metadata=key(omitted=True))
    head: Head | None = field(default=None, metadata=key(omitted=True))
    """How far the journal went when this control node last saw it."""
    attempt: str | None = field(default=None, metadata=key(omitted=True))
    who: str = field(default="", metadata=key(omitted=True))
    """The person and control node that the lease names."""
    probe: str = field(default="", metadata=key(omitted=True))
    """What the probes of this attempt carry, so that the edge does not count them. Secret."""
    typed: float = field(default=0.0, metadata=key(omitted=True))
    """Seconds between the moment when somebody typed the verb and the one when the request left, by one clock."""
    seen: int = field(default=0, metadata=key(omitted=True))
    """``follow``: how many events of the attempt the control node has read."""
    gone: str | None = field(default=None, metadata=key(omitted=True))
    """An attempt whose operator's process the control node knows to be gone."""
    force: bool = field(default=False, metadata=key(omitted=True))
    reason: str | None = field(default=None, metadata=key(omitted=True))
    allow_downgrade: bool = field(default=False, metadata=key(omitted=True))
    shared_unchanged: bool = field(default=False, metadata=key(omitted=True))
    drop_env: tuple[str, ...] = field(default=(), metadata=key(omitted=True))
    """``deploy``: variables of the live release that this one must not have."""
    allow: Allowance = field(default_factory=Allowance, metadata=key(omitted=True))
    """``allow``: what to allow, or to take back."""
    adopt: tuple[str, ...] = field(default=(), metadata=key(omitted=True))
    """``allow``: objects that the application may use as they are now, each as ``volume:NAME`` or ``image:NAME``."""
    take_back: bool = field(default=False, metadata=key(omitted=True))
    back: bool = field(default=False, metadata=key(omitted=True))
    """``deploy``: a way back to an older commit, which runs no check and no oneshot."""
    to: str | None = field(default=None, metadata=key(omitted=True))
    """``rollback``, ``target``: a release or commit, or the start of one."""
    service: str | None = field(default=None, metadata=key(omitted=True))
    count: int | None = field(default=None, metadata=key(omitted=True))
    """``scale``: containers; ``history``: attempts."""
    colour: str | None = field(default=None, metadata=key(omitted=True))
    """``preview``: blue, green, live, or idle."""
    seconds: int | None = field(default=None, metadata=key(omitted=True))
    """``preview``: for how long; 0 closes them."""
    tail: int | None = field(default=None, metadata=key(omitted=True))
    """``logs``: lines of each container."""
    command: str | None = field(default=None, metadata=key(omitted=True))
    services: Mapping[str, Mapping[str, Json]] = field(default_factory=dict, metadata=key(omitted=True))
    """``changes``: the services of a resolved Compose document."""
    pack: Pack | None = field(default=None, metadata=key(omitted=True))
    """``admission``: what a deploy would send. Secret."""
    descends: bool = field(default=True, metadata=key(omitted=True))
    """``admission``: whether the commit descends from the live one, as far as the control node knows."""
    objects: Mapping[str, str] = field(default_factory=dict, metadata=key(omitted=True))
    """``admission``: files that shared services mount, each with its git object."""
    waivers: tuple[Waiver, ...] = field(default=(), metadata=key(omitted=True))
    """``admission`` and the verbs that receive a release: what it may reach of the host."""
    paths: tuple[str, ...] = field(default=(), metadata=key("files", omitted=True))
    """``files``: paths whose rights to look at."""
    container_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict, metadata=key(omitted=True))
    """``held``: paths to read in a container of each service."""


@message(frozen=True)
class Word(Message):
    """One line that the control node says while an attempt runs."""

    say: Annotated[str, Form(choices=("beat", "receive", "prepare", "switch", "seen", "go", "cancel", "shown"))]
    bytes: int = field(default=0, metadata=key(omitted=True))
    """How many bytes follow the line."""
    verdict: str | None = field(default=None, metadata=key(omitted=True))
    """``seen``: ok, wrong or unverified, as seen at the public address. ``shown``: unverified, where the last probes
    failed."""
    why: str | None = field(default=None, metadata=key(omitted=True))
