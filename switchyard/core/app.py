"""An application's settings, in the form that both sides use."""

import posixpath
from collections.abc import Mapping
from dataclasses import field

from switchyard.core.kinds import kind_named
from switchyard.core.wire.message import Json, Message, key, message
from switchyard.core.wire.terms import HostAddress, Mode, RoutedPort, ServiceName


@message(frozen=True)
class Route(Message):
    """One address that users reach, held by the edge."""

    service: ServiceName
    port: RoutedPort
    """The port inside the service's container."""
    listen: RoutedPort
    """The port of the host that the edge holds."""
    address: HostAddress = "0.0.0.0"
    """The address of the host that the edge binds to; empty for every address of either family."""
    mode: Mode = "http"
    affinity: bool = False

    @property
    def name(self) -> str:
        """The edge's name for what it leads to: several routes may lead to one port of a service."""
        return f"{self.service}-{self.port}"

    @property
    def public(self) -> str:
        """The public address, which is the route's identity, as a person writes it."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.listen}".removeprefix(":")


@message(frozen=True)
class RouteEntry(Message):
    """An entry of ``routes`` in the settings. The compose file fills in an address that it leaves out."""

    service: str
    port: int
    """The port inside the service's container."""
    listen: str | None = field(default=None, metadata=key(omitted=True))
    """The port of the host that the edge holds, or ``ADDRESS:PORT``."""
    mode: str | None = field(default=None, metadata=key(omitted=True))
    """http or tcp; None: what the port suggests."""
    affinity: bool = False
    host: str | None = field(default=None, metadata=key(omitted=True))
    path: str | None = field(default=None, metadata=key(omitted=True))
    tls: Json = field(default=None, metadata=key(omitted=True))


@message(frozen=True)
class Check(Message):
    """Switchyard's own probe of a service: an HTTP request if ``path`` is set, otherwise a connection to the port."""

    port: int
    path: str | None = None
    status: int | None = None
    """The only status that passes; None: any status below 400."""
    body: str | None = None
    """A text that the body must contain."""

    def passes(self, status: int) -> bool:
        """Return whether an answer with this status passes."""
        return status == self.status if self.status else status < 400


@message(frozen=True)
class Migrations(Message):
    """How to ask the oneshot that migrates for the head of its schema. Commands run in the service's image."""

    service: str
    current: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    """Prints the migrations that are still to apply. The screen shows them after the build, before they run."""
    files: str | None = None
    apply: tuple[str, ...] = ()
    repeat: str = "always"


@message(frozen=True)
class App(Message):
    """An application's settings, after defaults and overrides."""

    name: str
    path: str = "."
    """The folder of the repository that holds the compose file, relative to its top."""
    compose: str = "compose.yaml"
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Service to kind, for services whose kind the compose file does not determine."""
    routes: tuple[RouteEntry, ...] | None = None
    """None: every published port is a route."""
    ignored_ports: Mapping[str, tuple[str, ...]] = field(default_factory=dict, metadata=key(omitted=True))
    """Service to published ports that are left out, by the container's port: ``9229``, ``5000-5010`` or ``53/udp``."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Volume of the compose file to the existing volume of the engine that it stands for."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Relative bind source to the place of its state: ``data`` for a folder below the root, or an absolute path."""
    writable: tuple[str, ...] = ()
    """Tracked bind sources that containers may write to."""
    checks: Mapping[str, Check] = field(default_factory=dict)
    migrations: Migrations | None = None
    smoke: tuple[str, ...] = ()
    """A command that the host runs in the release's files, with ``URL_<SERVICE>_<PORT>`` set."""
    standby: int = 900
    """Seconds for which the old colour stays up for a warm rollback."""
    drain: int = 900
    """Seconds in which requests that began on the old colour may finish there."""
    healthy_within: int = 120
    """Seconds in which a service must become healthy."""
    hold: int = field(default=30, metadata=key(omitted=True))
    """Seconds for which one request to an exclusive service waits at the edge while that is replaced."""
    release_header: bool = True
    build_ssh: Mapping[str, str] = field(default_factory=dict, metadata=key(omitted=True))
    """Id of an SSH key of builds to the key file on the host. Only the host's entry in the settings names one."""
    scale: Mapping[str, int] = field(default_factory=dict)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The services that no release runs."""
        kinds = {name: kind_named(kind) for name, kind in self.kinds.items()}
        return tuple(sorted(name for name, kind in kinds.items() if kind is not None and kind.left_out))

    @property
    def exclusive(self) -> frozenset[str]:
        """The services whose requests the edge holds while they are replaced. Only the settings make one of these."""
        kinds = {name: kind_named(kind) for name, kind in self.kinds.items()}
        return frozenset(name for name, kind in kinds.items() if kind is not None and kind.is_held)

    @property
    def project_folder(self) -> str:
        """The folder that Compose takes relative paths and ``.env`` from, the compose file's, below the repository."""
        return posixpath.normpath(posixpath.join(self.path, posixpath.dirname(self.compose)))

    def path_check(self, route: Route) -> Check | None:
        """Return the service's check if it requests a path at the route's own port."""
        check = self.checks.get(route.service)
        return check if check is not None and check.path is not None and check.port == route.port else None

    def page(self, route: Route) -> Check:
        """Return what a look through the public address requests: the path of the route's check, or the top."""
        return self.path_check(route) or Check(route.port, "/")
