"""The settings of an application in the form that the core, and so the host, works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from switchyard.core.wire.message import Json, Message, key


@dataclass(frozen=True)
class Route(Message):
    """One address that users reach, held by the edge."""

    service: str
    port: int
    """The port inside the service's container."""
    listen: int
    """The port of the host that the edge holds."""
    address: str = "0.0.0.0"
    """The address of the host that the edge binds to."""
    mode: str = "http"
    affinity: bool = False

    @property
    def name(self) -> str:
        """What the edge's configuration calls it, unique within an application."""
        return f"{self.service}-{self.port}"


@dataclass(frozen=True)
class RouteEntry(Message):
    """An entry of ``routes`` in the settings. The compose file fills in an address that it leaves out."""

    service: str
    port: int
    """The port inside the service's container."""
    listen: str | None = field(default=None, metadata=key(omitted=True))
    """The port of the host that the edge holds, or ``ADDRESS:PORT``."""
    mode: str = "http"
    affinity: bool = False
    host: str | None = field(default=None, metadata=key(omitted=True))
    path: str | None = field(default=None, metadata=key(omitted=True))
    tls: Json = field(default=None, metadata=key(omitted=True))


@dataclass(frozen=True)
class Check(Message):
    """A probe of our own: HTTP where ``path`` is set, else the port alone."""

    port: int
    path: str | None = None
    status: int | None = None
    """The one status that passes; without it, any below 400."""
    body: str | None = None
    """A text that the body must contain."""

    def passes(self, status: int) -> bool:
        """Whether this is the status that is asked for."""
        return status == self.status if self.status else status < 400


@dataclass(frozen=True)
class Migrations(Message):
    """How the oneshot that migrates tells its head. Commands run in the service's image."""

    service: str
    current: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    """Prints what is still to be applied: shown after the build, before it is."""
    files: str | None = None
    apply: tuple[str, ...] = ()
    repeat: str = "always"


@dataclass(frozen=True)
class App(Message):
    """An application's settings, after defaults and overrides."""

    name: str
    path: str = "."
    """The folder of the repository that holds the compose file, relative to its top."""
    compose: str = "compose.yaml"
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Service to kind, where the compose file alone does not say."""
    routes: tuple[RouteEntry, ...] | None = None
    """None: every published port is a route."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Named volume to the existing engine volume that it is."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Relative bind source to where its state is: ``data`` for the host's own folder, or an absolute path."""
    writable: tuple[str, ...] = ()
    """Tracked bind sources that containers may write to."""
    checks: Mapping[str, Check] = field(default_factory=dict)
    migrations: Migrations | None = None
    smoke: tuple[str, ...] = ()
    """A command of the application, run on the host in the release's files with ``URL_<SERVICE>_<PORT>`` set."""
    standby: int = 900
    """Seconds for which the old colour stays up for a warm way back."""
    drain: int = 900
    """Seconds for which what began on the old colour may finish there."""
    healthy_within: int = 120
    """Seconds in which a service must become healthy."""
    release_header: bool = True
    scale: Mapping[str, int] = field(default_factory=dict)

    def asked_of(self, route: Route) -> Check | None:
        """The check that asks a path at a route's own port; None where there is no such."""
        check = self.checks.get(route.service)
        return check if check is not None and check.path is not None and check.port == route.port else None

    def page(self, route: Route) -> Check:
        """What a look asks of a route: what its check does, else the top."""
        return self.asked_of(route) or Check(route.port, "/")
