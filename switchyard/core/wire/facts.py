"""What a machine reports of itself before a verb acts."""

from collections.abc import Mapping

from switchyard.core.app import Check, Route
from switchyard.core.held_routes import HeldRoute
from switchyard.core.wire.message import Message, message
from switchyard.core.wire.release import MigrationHead
from switchyard.core.wire.terms import Target


@message(frozen=True)
class LiveRelease(Message):
    """The release that a colour holds, in short."""

    colour: Target
    id: str
    number: int
    commit: str
    subject: str
    state: str
    since: float | None
    """When it went live last, in seconds since the epoch."""
    env_keys: tuple[str, ...] | None
    kinds: Mapping[str, str] | None
    head: MigrationHead | None


@message(frozen=True)
class PlainContainer(Message):
    """A container of a Compose project that is not Switchyard's."""

    project: str
    service: str
    state: str
    folder: str


@message(frozen=True)
class Facts(Message):
    """What the control node needs to know of a machine before it sends anything."""

    root: str
    uid: int
    disks: Mapping[str, int]
    """A place on each disk with its free bytes."""
    memory_available: int
    """Bytes."""
    live: LiveRelease | None
    routes: tuple[Route, ...]
    """The routes of the live release at the addresses where the edge holds them."""
    checks: Mapping[str, Check]
    """The live release's own checks."""
    number: int
    """The newest release's number; 0 where there is none."""
    commits: tuple[str, ...]
    """Commits that the host's repository has."""
    trees: tuple[str, ...]
    """Trees of releases that the host's repository has."""
    large: tuple[str, ...]
    """Contents of files of Git LFS that it has, by their ids."""
    edge: tuple[HeldRoute, ...] | None
    """The addresses that the edge holds; null where there is none."""
    unfinished: tuple[str, ...]
    """Why nothing may go live here: an apply was cut short."""
    others: tuple[PlainContainer, ...]
    volumes: tuple[str, ...]
    data: tuple[str, ...]
    """Folders under ``data/``."""
    image_volumes: Mapping[str, tuple[str, ...]]
    """Image that is here to the paths that it declares as volumes; those without are left out."""
    listening: Mapping[str, str]
    """TCP port to what listens on it."""
    shared: tuple[str, ...]
    """Shared services as last applied."""
    memory_live: int
    """Bytes that the live colour uses."""
