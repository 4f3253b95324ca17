"""A release: what the control node sends, and what the host records of it."""

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar

from switchyard.core.app import App, Route
from switchyard.core.wire.checks import ChecksRecord
from switchyard.core.wire.message import Json, Message, key, message
from switchyard.core.wire.terms import (
    AppName,
    Colour,
    CommitId,
    ImageId,
    Positive,
    ReleaseId,
    ReleaseState,
    Seconds,
    TreeId,
)


@message(frozen=True)
class Pin(Message):
    """The image of a service that no build of its release makes, under a name that nobody can move."""

    image: str
    """Its name by digest, or its id where no registry had it."""
    answered: Seconds | None = field(default=None, metadata=key(omitted=True))
    """When the registry named this digest last, in seconds since the epoch."""


@message(frozen=True)
class Contents(Message):
    """What a release is made of, the same in what is sent and what is recorded."""

    id: ReleaseId
    commit: CommitId
    subject: str
    app: App
    routes: tuple[Route, ...]
    kinds: Mapping[str, str]
    """Service to kind."""
    front: tuple[str, ...]
    """Routed and plain services."""
    handover: tuple[str, ...]
    """Handover and exclusive services."""
    oneshots: tuple[str, ...]
    volumes: tuple[str, ...]
    """The engine's volumes that the release needs."""
    data: tuple[str, ...]
    """Folders under ``data/``."""
    shared_files: tuple[str, ...]
    """Tracked files that shared services mount."""
    pulls: Mapping[str, str]
    """Service to the image that it names, where no build of the release makes it."""
    built_by: Mapping[str, str] = field(default_factory=dict, kw_only=True, metadata=key(omitted=True))
    """Service without a build to the service whose build makes the image that it names."""
    pull_policies: Mapping[str, str] = field(default_factory=dict, kw_only=True, metadata=key(omitted=True))
    """Service to its ``pull_policy``, where the compose file sets one."""
    notes: tuple[str, ...]
    env_keys: tuple[str, ...]

    @property
    def exclusive(self) -> tuple[str, ...]:
        """The exclusive services among those of ``handover``."""
        return tuple(name for name in self.handover if name in self.app.exclusive)


@message(frozen=True)
class Pack(Contents):
    """The first line of the stream that carries a release; git's pack follows it."""

    tree: TreeId
    """The git tree of exactly the files that ship, those behind pointers of Git LFS among them."""
    large: tuple[str, ...]
    """The ids of the contents of those."""
    compose: Mapping[str, Json]
    """The resolved Compose document."""
    colours: Mapping[str, Mapping[str, Json]]
    """The document of each colour."""
    shared: Mapping[str, Json]
    build: Mapping[str, Json]
    env: str
    """The env file. Secret."""
    values: tuple[str, ...]
    """The secret values of the env and of the documents, for redaction."""
    checks: ChecksRecord | None
    build_secrets: Mapping[str, str] = field(default_factory=dict, metadata=key(omitted=True))
    """File beside the env to the content of a secret of builds. Secret."""
    certificates: Mapping[str, str] = field(default_factory=dict, metadata=key(omitted=True))
    """Name to its certificate, chain and key, which belong to the host and not to the release. Secret."""


@message(frozen=True)
class Certificates(Message):
    """What ``edge.certificates`` sends."""

    certificates: Mapping[str, str]
    """Name to its certificate, chain and key. Secret."""


@message(frozen=True)
class KnownSecrets(Message):
    """secrets.json beside a release: what must not be shown of it. Secret."""

    values: tuple[str, ...]
    names: tuple[str, ...]
    """The names that stand in its Compose document."""
    files: Mapping[str, tuple[str, ...]]
    """Path of a secret's file to the services that mount it."""


@message(frozen=True)
class OneshotOutcome(Message):
    """How a oneshot of a release went; one that has only ``begun`` has no known end."""

    begun: Seconds | None = field(default=None, metadata=key(omitted=True))
    """When it started, in seconds since the epoch; absent once it has ended."""
    exit: int | None = field(default=None, metadata=key(omitted=True))
    seconds: Seconds | None = field(default=None, metadata=key(omitted=True))
    skipped: str | None = field(default=None, metadata=key(omitted=True))
    """Why it did not run."""

    CONDITIONS: ClassVar[Mapping[str, Json]] = {
        "oneOf": [
            {"required": ["begun"], "properties": {"exit": False, "seconds": False, "skipped": False}},
            {"required": ["exit", "seconds"], "properties": {"begun": False}},
        ]
    }

    @property
    def succeeded(self) -> bool:
        """Whether it ended with 0."""
        return self.exit == 0


@message(frozen=True)
class MigrationHead(Message):
    """The head of the schema around a release's migrations; null where nothing tells it."""

    before: str | None
    after: str | None
    files: tuple[str, ...]


@message(frozen=True)
class ReleaseRecord(Contents):
    """release.json: what a host knows of one release."""

    VERSION: ClassVar[int | None] = 1
    MINOR: ClassVar[int] = 2
    CONDITIONS: ClassVar[Mapping[str, Json]] = {
        "allOf": [
            {
                "if": {"properties": {"state": {"enum": ["live", "good", "unverified", "bad"]}}},
                "then": {"required": ["images", "since", "colour"]},
            },
            {"if": {"properties": {"state": {"enum": ["failed", "bad"]}}}, "then": {"required": ["reason"]}},
        ]
    }

    name: AppName
    number: Positive
    """Counted up by the host; orders releases."""
    state: ReleaseState
    created: Seconds
    """When it was received, in seconds since the epoch."""
    shared: tuple[str, ...]
    """Shared services."""
    shared_objects: Mapping[str, str]
    """Git object of each file that shared services mount."""
    env_digest: str
    settings: str
    """Digest of settings and documents."""
    shared_unchanged: bool
    received: bool
    images: Mapping[str, ImageId] = field(default_factory=dict, metadata=key(omitted=True))
    """Service to the id of its image, once built."""
    pins: Mapping[str, Pin] = field(default_factory=dict, metadata=key(omitted=True))
    """Service to its image, as the registry named it when the release was received."""
    standins: tuple[str, ...] | None = field(default=None, metadata=key(omitted=True))
    """Images that are stand-ins."""
    outcomes: Mapping[str, OneshotOutcome] = field(default_factory=dict, metadata=key(omitted=True))
    """Of each oneshot that was started."""
    head: MigrationHead | None = field(default=None, metadata=key(omitted=True))
    since: Seconds | None = field(default=None, metadata=key(omitted=True))
    """When it went live last, in seconds since the epoch."""
    colour: Colour | None = field(default=None, metadata=key(omitted=True))
    reason: str | None = field(default=None, metadata=key(omitted=True))
    """Why it failed or is bad."""
    tree: str = field(default="", metadata=key(omitted=True))
    """The git tree of exactly its files; empty where an earlier version received it."""
    large: tuple[str, ...] = field(default=(), metadata=key(omitted=True))
    """The ids of the contents of its files of Git LFS."""
    places: Mapping[str, str] = field(default_factory=dict, metadata=key(omitted=True))
    """Path of the host that a service mounts to where it led when the release was received."""

    @property
    def runs(self) -> tuple[str, ...]:
        """The services that a colour runs. A rollback starts these and nothing else."""
        return (*self.front, *self.handover)
