"""What verbs that only look answer: one type for each."""

from collections.abc import Mapping
from dataclasses import field

from switchyard.core.app import Route
from switchyard.core.journal import EndEntry
from switchyard.core.site import Site
from switchyard.core.wire.allowance import Allowance
from switchyard.core.wire.checks import ChecksRecord
from switchyard.core.wire.facts import Facts, LiveRelease, PlainContainer
from switchyard.core.wire.message import Message, key, message
from switchyard.core.wire.request import Holder
from switchyard.core.wire.terms import Colour, CommitId, Mode, Positive, ReleaseId, ReleaseState, Seconds
from switchyard.core.wire.traffic import Traffic


@message(frozen=True)
class HeldLease(Message):
    """Why a verb that needs the lease would be refused now."""

    why: str
    holder: Holder


@message(frozen=True)
class PlanFacts(Facts):
    """``facts``: what a plan is made from."""

    site: Site
    scales: Mapping[str, int]
    """Service to the containers that ``inv scale`` asked for."""
    images: tuple[str, ...]
    """Names of the images that are here."""


@message(frozen=True)
class Allowed(Message):
    """What the operator allowed an application on one machine."""

    allowance: Allowance
    objects: tuple[str, ...]
    """What it uses and Switchyard did not create, each as ``inv allow --objects`` names it."""


@message(frozen=True)
class PlannedImage(Message):
    """What a deploy would do about the image of a service."""

    pin: str
    """Its name by digest, or its id."""
    is_here: bool
    is_named: bool
    """Whether the name in the compose file leads to it already, or does not follow it."""


@message(frozen=True)
class Changes(Message):
    """``changes``: services of the live release that differ, each with the keys that do. No value leaves the host."""

    changed: Mapping[str, tuple[str, ...]]


@message(frozen=True)
class Admission(Message):
    """``admission``: what this machine would say to a release that a deploy sends."""

    is_live: bool
    """Whether it is live already, with the same files, env, settings and images: a deploy ships nothing."""
    reasons: tuple[str, ...]
    """Why a deploy would be refused."""
    images: Mapping[str, PlannedImage]
    """What it would run of what it does not build, by service."""
    notes: tuple[str, ...]
    """What people should know of these images."""


@message(frozen=True)
class Env(Message):
    """``env``: the live release's own env. Secret."""

    env: str


@message(frozen=True)
class RollbackTarget(Message):
    """``target``: the release that a rollback would go to."""

    release: str
    commit: str


@message(frozen=True)
class ContainerAddress(Message):
    """A container with its address in each network."""

    service: str | None
    kind: str | None
    image: str
    running: bool
    addresses: tuple[str, ...]


@message(frozen=True)
class ChecksAnswer(Message):
    """``checks``: what stands before a deploy, and what predeploy needs of a machine."""

    facts: Facts
    held: HeldLease | None
    live: LiveRelease | None
    baseline: ChecksRecord | None
    """The results that stand beside the live release."""
    tools: Mapping[str, str | None]
    """Tool to its version; null where it is not installed."""
    shared: tuple[ContainerAddress, ...]
    """The application's containers."""
    allowed: Allowance = field(default_factory=Allowance, metadata=key(omitted=True))
    """What allow.json of the machine holds."""


@message(frozen=True)
class CertificateEnd(Message):
    """A certificate that the edge shows."""

    name: str
    ends: Seconds
    """When it ends, in seconds since the epoch."""


@message(frozen=True)
class EdgePlace(Message):
    """Where the edge stands on a machine: in front of it, around it, and who reaches it."""

    lacks: tuple[str, ...] = ()
    """What its container lacks of one that is created now; empty where there is none."""
    gateways: tuple[str, ...] = ()
    """The host's own addresses in the edge's networks, from which whatever passes Docker's own proxy arrives."""
    sources: tuple[str, ...] = ()
    """The addresses of clients that are connected to it now."""
    in_front: Mapping[str, str] = field(default_factory=dict)
    """Port of the web that another program holds to what that seems to be."""
    firewall: str = ""
    """The firewall of the host that is switched on, as far as the SSH user sees; empty where it sees none."""


@message(frozen=True)
class DoctorAnswer(Facts):
    """``doctor``: what would stop a deploy."""

    compose: str | None
    """What Compose prints of its version; null where it is not installed."""
    git: str | None
    clock: float
    """The machine's time, in seconds since the epoch."""
    plain: tuple[PlainContainer, ...]
    """Containers of this application's own plain project."""
    journal: tuple[str, ...]
    """What is wrong with the journal."""
    place: EdgePlace
    """What stands around the edge."""
    networks_free: int
    """Networks that the engine can still make."""
    certificates: tuple[CertificateEnd, ...] = ()


@message(frozen=True)
class FileText(Message):
    """What a file of a container holds, or why that is not known."""

    text: str | None = field(default=None, metadata=key("is", omitted=True))
    why: str | None = field(default=None, metadata=key(omitted=True))


@message(frozen=True)
class ContainerFiles(Message):
    """``held``: service to path to what the file holds. Secret."""

    held: Mapping[str, Mapping[str, FileText]]


@message(frozen=True)
class FileRights(Message):
    """A file's mode and owner, or why it could not be looked at."""

    mode: str | None = field(default=None, metadata=key(omitted=True))
    """Four octal digits."""
    owner: str | None = field(default=None, metadata=key(omitted=True))
    uid: int | None = field(default=None, metadata=key(omitted=True))
    gid: int | None = field(default=None, metadata=key(omitted=True))
    why: str | None = field(default=None, metadata=key(omitted=True))


@message(frozen=True)
class Files(Message):
    """``files``: path to the rights of the file; null where there is none."""

    files: Mapping[str, FileRights | None]


@message(frozen=True)
class Place(Message):
    """What a machine is to an application: real paths."""

    root: str
    home: str
    """The home of the user who deploys."""
    others: tuple[str, ...] = ()
    """The roots of other applications."""
    engine: tuple[str, ...] = ()
    """The engine's own folders and sockets."""


@message(frozen=True)
class Places(Message):
    """``places``: path to the real one, links followed; and what the machine is to the application."""

    real: Mapping[str, str]
    place: Place


@message(frozen=True)
class History(Message):
    """``history``: the attempts with how each ended, the newest last."""

    attempts: tuple[EndEntry, ...]
    problems: tuple[str, ...]
    """What is wrong with the journal."""


@message(frozen=True)
class Logs(Message):
    """``logs``: container to the last lines that it printed."""

    containers: Mapping[str, str]


@message(frozen=True)
class ExecResult(Message):
    """``exec``: how a command in a container ended."""

    code: int
    output: str


@message(frozen=True)
class SlotStatus(Message):
    """A colour and its release. Commit, state and since are null where the release's folder is gone."""

    colour: Colour
    release: ReleaseId
    commit: CommitId | None
    state: ReleaseState | None
    since: Seconds | None
    """When it went live last, in seconds since the epoch."""
    healthy: bool | None
    """Null where nothing tells."""


@message(frozen=True)
class LeaseStatus(Message):
    """Who holds a machine."""

    who: str
    doing: str
    since: Seconds
    """Seconds since the epoch."""
    ended: str | None
    """Why it no longer holds; null while it does."""


@message(frozen=True)
class KeptRelease(Message):
    """A release that stands on the host."""

    release: ReleaseId
    number: Positive
    commit: CommitId
    state: ReleaseState
    subject: str
    missing: tuple[str, ...]
    """Services that a rollback to it would start and whose image is gone."""


@message(frozen=True)
class Status(Message):
    """``status``: what runs now."""

    live: SlotStatus | None
    idle: SlotStatus | None
    routes: tuple[Route, ...]
    proxy: str
    """The colour that the running proxy answers from: blue, green, none or down."""
    map_file: str
    lease: LeaseStatus | None
    kept: tuple[KeptRelease, ...]
    drift: tuple[str, ...]
    """What runs and is not as recorded."""
    journal: tuple[str, ...]
    """What is wrong with the journal."""
    edge_lacks: tuple[str, ...] = field(default=(), metadata=key(omitted=True))
    """What the edge's container lacks of one that is created now."""
    traffic: Traffic | None = None
    """What the edge counted; null where that is unknown."""
    certificates: tuple[CertificateEnd, ...] = ()


@message(frozen=True)
class Preview(Message):
    """The preview of one public address."""

    address: str
    port: Positive
    """The port of the host's loopback that leads to it."""
    mode: Mode


@message(frozen=True)
class Previews(Message):
    """``previews``: those of a colour that a person holds open; no address where they are closed."""

    colour: Colour
    until: Seconds
    """In seconds since the epoch."""
    each: tuple[Preview, ...]
