"""The address that users see: where it is, and one look at it."""

from __future__ import annotations

import functools
import http.client
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import urlsplit

import fabric
import paramiko

from switchyard.control.certificates import chain_for
from switchyard.control.tls_channel import TlsChannel
from switchyard.core.app import App, Check, Route
from switchyard.core.edge import HEADER
from switchyard.core.edge_counts import PROBE_HEADER
from switchyard.core.held_routes import is_same
from switchyard.core.outside_text import without_passwords
from switchyard.core.route_names import has_name, sample_name
from switchyard.core.route_names import page as page_of
from switchyard.settings.model import Host, Machine

LOOK_WITHIN = 10.0
"""Seconds in which the address must answer a look."""
BODY_MOST = 4096
"""Bytes of a body that are read."""
EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Binds to every address of a machine, each with the loopback address that reaches it there."""


@dataclass(frozen=True)
class Address:
    """An HTTP address. A ``forwarded`` one is reached through the machine's SSH connection."""

    host: str
    port: int
    path: str
    secure: bool = False
    forwarded: bool = False
    status: int | None = None
    """The one status that passes; without it, any below 400."""
    mark: str = field(default="", repr=False)
    """What tells the edge that a request is a probe of ours."""
    name: str = ""
    """The name that the request is for; empty for the host's own."""
    chain: str = ""
    """The certificate that the host shows there, as it was shipped: it is trusted beside the known authorities."""

    @property
    def url(self) -> str:
        """The address as a person types it."""
        host = self.name or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}{self.path}"

    @property
    def named(self) -> str:
        """The name and the port, as a request carries them."""
        return self.name if self.port == (443 if self.secure else 80) else f"{self.name}:{self.port}"

    def passes(self, status: int) -> bool:
        """Return whether an answer with this status is right."""
        return Check(self.port, self.path, self.status).passes(status)


class Answer(NamedTuple):
    """What an address answered to one GET."""

    status: int
    release: str | None
    """The release that the edge names in its header."""
    body: str
    """The start of the body."""


class Verdict(NamedTuple):
    """What a look shows: ``ok``, ``wrong`` or ``unverified``, and why."""

    verdict: str
    why: str


def public_address(host: Host, machine: Machine, routes: Sequence[Route], app: App) -> Address | None:
    """Return the address at the host's ``url``, else the published one; None without an HTTP route.

    Where no route takes the name of the ``url``, such as a bare address, the request is for one that a route takes.
    """
    parts = urlsplit(host.setting.url or "")
    name, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    beside = [each for each in routes if (each.listen, each.tls) == (port, secure)] or routes
    route = first_http([each for each in beside if has_name(each, name)]) or first_http(beside)
    if route is None or not host.setting.url:
        return published_address(host, machine, routes, app)
    page = page_of(app, route, routes)
    path = parts.path or page.path or "/"
    sample = "" if has_name(route, name) else sample_name(route)
    chain, status = chain_for(host, sample or name) if secure else "", page.status if path == page.path else None
    return Address(name, port, path, secure, status=status, name=sample, chain=chain)


def published_address(host: Host, machine: Machine, routes: Sequence[Route], app: App) -> Address | None:
    """Return a machine's address with the port that its first HTTP route publishes."""
    route = first_http(routes)
    if route is None:
        return None
    page = page_of(app, route, routes)
    name = sample_name(route)
    chain = chain_for(host, name) if route.tls else ""
    address = Address(
        machine.address, route.listen, page.path or "/", route.tls, status=page.status, name=name, chain=chain
    )
    if route.address in EVERY_ADDRESS:
        return address
    bound = ipaddress.ip_address(route.address)
    is_remote = bound.is_loopback or (bound.is_private and route.address != machine.address)
    return replace(address, host=route.address, forwarded=is_remote)


def address_to_look_at(host: Host, machine: Machine, routes: Sequence[Route], app: App) -> Address | None:
    """Return where the control node looks after a switch.

    That is the public address. Where several machines share a ``url``, any of them may answer there, so each machine
    is looked at on its own published port, through its SSH connection.
    """
    address = published_address(host, machine, routes, app)
    if address is None or not host.setting.url or len(host.setting.machines) == 1:
        return public_address(host, machine, routes, app)
    route = first_http(routes)
    assert route is not None
    return replace(address, host=EVERY_ADDRESS.get(route.address, route.address), forwarded=True)


def url_of(host: Host, machine: Machine, routes: Sequence[Route]) -> str | None:
    """Return the host's ``url``, else where its first HTTP route is published; None without one."""
    address = public_address(host, machine, routes, App(""))
    return without_passwords(host.setting.url or "") or (address.url.removesuffix("/") if address else None)


def first_http(routes: Sequence[Route]) -> Route | None:
    """Return the route at which users are taken to look: the first that speaks HTTP."""
    return next((route for route in routes if route.mode == "http" and not route.redirects), None)


def is_new(live: Sequence[Route], routes: Sequence[Route]) -> bool:
    """Return whether none of the live routes is the one at which users are taken to look in a new release."""
    first = first_http(routes)
    same = [route for route in live if first is not None and is_same(route, first)]
    return first is not None and (first.host, first.path) not in [(route.host, route.path) for route in same]


def fetch(address: Address, connection: fabric.Connection | None, within: float) -> Answer:
    """Return the answer to one GET. Raise what ``http.client`` and paramiko raise; ``within`` is in seconds."""
    client = http.client.HTTPConnection(address.host, address.port, timeout=within)
    try:
        if address.forwarded and connection is not None:
            channel = _tunnel(address, connection, within)
            client.sock = TlsChannel(channel, *_expected(address)) if address.secure else channel
        elif address.secure:
            client.connect()
            context, name = _expected(address)
            client.sock = context.wrap_socket(client.sock, server_hostname=name)
        named = {"Host": address.named} if address.name else {}
        marked = {PROBE_HEADER: address.mark} if address.mark else {}
        headers = {"Connection": "close", "User-Agent": "switchyard", **named, **marked}
        client.request("GET", address.path, headers=headers)
        response = client.getresponse()
        body = response.read(BODY_MOST).decode(errors="replace")
        return Answer(response.status, response.getheader(HEADER), body)
    finally:
        client.close()


@functools.cache  # it reads every known authority, and a probe asks for it twelve times a second
def _expected(address: Address) -> tuple[ssl.SSLContext, str]:
    """Return what verifies who answers, and the name that must answer."""
    context = ssl.create_default_context()
    if address.chain:
        context.load_verify_locations(cadata=address.chain)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context, address.name or address.host


def _tunnel(address: Address, connection: fabric.Connection, within: float) -> paramiko.Channel:
    """Open a TCP connection from the machine to an address that only the machine reaches."""
    transport = connection.transport
    assert transport is not None
    target = (address.host, address.port)
    channel = transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=within)
    channel.settimeout(within)
    return channel


def look(address: Address | None, connection: fabric.Connection | None, app: App, release: str) -> Verdict:
    """Return whether users get a right answer from this release."""
    if address is None:
        return Verdict("unverified", "the application has no HTTP route to look at")
    check = next((check for check in app.checks.values() if check.path and address.path == check.path), None)
    try:
        answer = fetch(address, connection, LOOK_WITHIN)
    except (OSError, EOFError, http.client.HTTPException, paramiko.SSHException) as error:
        cause = str(error) or type(error).__name__
        return Verdict("unverified", f"the control node cannot reach {address.url}: {cause}")
    if app.release_header and answer.release is None:
        why = f"{address.url} answered {answer.status}, but not through the edge of this application"
        return Verdict("unverified", why)
    if app.release_header and answer.release != release:
        return Verdict("wrong", f"release {answer.release} answers {address.url}, not {release}")
    if not address.passes(answer.status):
        return Verdict("wrong", f"{address.url} answered {answer.status}: {answer.body}")
    if check is not None and check.body is not None and check.body not in answer.body:
        return Verdict("wrong", f"{address.url} answered without {check.body!r}")
    return Verdict("ok", f"{address.url} answered {answer.status} from {release}")
