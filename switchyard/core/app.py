"""An application's settings, in the form that both sides use."""

import posixpath
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from switchyard.core.kinds import kind_named
from switchyard.core.wire.message import Form, Json, Message, key, message
from switchyard.core.wire.terms import (
    Count,
    HostAddress,
    HostNetwork,
    Listen,
    Mode,
    RoutedPort,
    RouteName,
    RoutePath,
    ServiceName,
    TlsVersion,
)

HEADER_BYTES_LEAST = 1024
HEADER_BYTES_MOST = 60 * 1024
"""The edge's buffer is not larger: beyond it, it answers 400 before it reads a rule."""
BODY_BYTES_MOST = 1 << 50
SOURCE_MOST = 100_000
"""The most requests and connections of one source that a limit can name."""
WAIT_MOST = 3600
"""The most seconds that a request may take to arrive."""


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
    host: RouteName = field(default="", metadata=key(omitted=True))
    path: RoutePath = field(default="", metadata=key(omitted=True))
    tls: bool = field(default=False, metadata=key(omitted=True))
    """Whether the edge ends TLS at this address, with the certificate of the name."""
    redirects: RoutedPort = field(default=0, metadata=key(omitted=True))
    """The port of the route with TLS that clients are sent on to; 0 where the route leads to its service."""

    @property
    def name(self) -> str:
        """The edge's name for what it leads to: several routes may lead to one port of a service."""
        return f"{self.service}-{self.port}"

    @property
    def public(self) -> str:
        """The public address, as a person writes it."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.listen}".removeprefix(":")

    @property
    def identity(self) -> str:
        """What tells it from every other route: the public address, with the name and the path that it takes."""
        return f"{self.public} {self.host}{self.path}".strip()


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
class Tls(Message):
    """How the edge speaks TLS to clients."""

    least: TlsVersion = "1.2"
    """The oldest version that it speaks."""
    hsts: Count | None = None
    """Seconds for which browsers are told to use nothing but TLS; None: they are told nothing."""
    redirect: bool = True
    """Whether port 80 of an address with TLS sends clients there, where no other route holds it."""


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
class Limits(Message):
    """What the edge lets one client do. No honest client meets a default."""

    headers_within: Annotated[int, Form(least=1, most=WAIT_MOST, is_checked=True)] = 30
    """Seconds in which the headers of a request must arrive; else 408."""
    body_within: Annotated[int, Form(least=0, most=WAIT_MOST, is_checked=True)] = 30
    """Seconds in which a body must arrive, or its first 16 KiB; else 408. Until then no service sees the request. 0: no
    limit."""
    header_bytes: Annotated[int, Form(least=HEADER_BYTES_LEAST, most=HEADER_BYTES_MOST, is_checked=True)] = 48 * 1024
    """Above it, 431."""
    body_bytes: Annotated[int, Form(least=0, most=BODY_BYTES_MOST, is_checked=True)] = 100 << 30
    """Above it, 413, where the request tells its length."""
    source_requests: Annotated[int, Form(least=0, most=SOURCE_MOST, is_checked=True)] = 0
    """Requests of one address at a time, websockets among them; above it, 429. 0: no limit."""
    source_connections: Annotated[int, Form(least=0, most=SOURCE_MOST, is_checked=True)] = 0
    """New connections of one address in 10 s; above it, 429. 0: no limit."""


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
    limits: Limits = field(default_factory=Limits, metadata=key(omitted=True))
    trusted_proxies: tuple[HostNetwork, ...] = field(default=(), metadata=key(omitted=True))
    """Networks whose word about a client counts. Only the host's entry in the settings names them, as the next two."""
    proxy_protocol: tuple[Listen, ...] = field(default=(), metadata=key(omitted=True))
    """Public addresses at which trusted proxies speak the PROXY protocol."""
    real_addresses: bool = field(default=False, metadata=key(omitted=True))
    """Whether clients reach the edge by their own addresses, so that limits per source count one client each."""
    tls: Tls = field(default_factory=Tls, metadata=key(omitted=True))

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
