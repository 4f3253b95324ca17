"""What clients may say and do: which of their headers count, and what the edge answers beyond a limit.

Each colour has the settings that its release shipped with. So the rules stand in its backends, and those of a frontend
hold while the colour is live.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from switchyard.core.app import App, Route
from switchyard.core.haproxy import network, word
from switchyard.core.held_routes import is_same

BODY_LEAST = 16384
"""Bytes after which a body is passed on while it arrives, so that a large upload is a stream."""
PER = "10s"
"""The time in which new connections of one address are counted."""
REQUESTS, CONNECTIONS = "source_requests", "source_connections"
"""The tables of addresses. Their counters are the stream's second and third: the first is left to counts."""
ALIASED = "^(x_real[-_]ip|x-real_ip|x_forwarded[-_].*|x-forwarded_.*)$"
"""Spellings that applications read as the headers below: CGI and WSGI make one name of ``-`` and ``_``."""
CLAIMS = "^(forwarded|x-real-ip|x-forwarded-.*)$"
"""The headers in which a proxy tells of its client. HAProxy has names in lower case."""
SCHEME = "%[ssl_fc,iif(https,http)]"


class Subnet(NamedTuple):
    """A range of addresses of a colour's network."""

    addresses: str
    gateway: str = ""
    """The host's own address in it, from which what came in at a published port arrives; empty where it has none."""


def neighbours(subnets: Sequence[Subnet]) -> list[str]:
    """Return the rules that refuse containers: from either colour's network, the edge leads to both colours."""
    if not subnets:
        return []
    gateways = [word(subnet.gateway) for subnet in subnets if subnet.gateway]
    return [
        f"  acl neighbour src {' '.join(str(ip_network(subnet.addresses)) for subnet in subnets)}",
        *([f"  acl gateway src {' '.join(gateways)}"] if gateways else []),
        f"  tcp-request connection reject if neighbour{' !gateway' if gateways else ''}",
    ]


def head() -> str:
    """Return the lines of the defaults: what the edge answers where a request does not arrive in time."""
    return f"  http-error status 408 {_told('The request did not arrive in time.')}\n"


def tables(apps: Iterable[App]) -> list[str]:
    """Return the sections of the tables that the limits of these colours count in."""
    counted = list(apps)
    sections = []
    if any(_counts(app, app.limits.source_requests) for app in counted):
        sections.append(f"backend {REQUESTS}\n  stick-table type ipv6 size 100k expire 1m store conn_cur\n")
    if any(_counts(app, app.limits.source_connections) for app in counted):
        sections.append(f"backend {CONNECTIONS}\n  stick-table type ipv6 size 100k expire 1m store conn_rate({PER})\n")
    return sections


def frontend(address: Route, apps: Mapping[str, App], *, is_http: bool) -> Iterator[str]:
    """Yield the rules of an address, after those that say which colour is live."""
    if is_http:
        yield f"  timeout http-request {max(app.limits.headers_within for app in apps.values()):d}s"
    for colour, app in apps.items():
        if speaks_proxy_protocol(app, address):
            yield from _trusted(f"trusted_{colour}", app)
            yield f"  tcp-request connection expect-proxy layer4 if live_{colour} trusted_{colour}"
    yield port(address)
    if any(speaks_proxy_protocol(app, address) for app in apps.values()):
        yield "  tcp-request session set-var(sess.port) dst_port if { fc_rcvd_proxy }"
    for colour, app in apps.items():
        if _counts(app, app.limits.source_connections):
            yield f"  tcp-request session track-sc2 src table {CONNECTIONS} if live_{colour}"


def port(address: Route) -> str:
    """Return the rule that remembers the public port of an address, which only its frontends know."""
    return f"  tcp-request session set-var(sess.port) int({address.listen:d})"


def speaks_proxy_protocol(app: App, address: Route) -> bool:
    """Return whether trusted proxies speak the PROXY protocol at a public address."""
    return bool(app.trusted_proxies) and any(is_same(address, _address(each)) for each in app.proxy_protocol)


def unknown_addresses(app: App, routes: Iterable[Route]) -> Iterator[str]:
    """Yield why the settings of the PROXY protocol are wrong: no route has such an address."""
    known = list(routes)
    for listen in app.proxy_protocol:
        if not any(is_same(route, _address(listen)) for route in known):
            named = ", ".join(route.public for route in known)
            yield f"hosts.NAME.proxy_protocol: {listen}: no route has this address. They are {named or 'none'}"


def backend(app: App) -> Iterator[str]:
    """Yield the rules of what a colour has behind the edge in HTTP: refuse what is too much, then say who asks."""
    limits = app.limits
    yield from _refused(431, "The headers of the request are too large.", f"req.hdrs,length gt {limits.header_bytes:d}")
    if limits.body_bytes:
        yield from _refused(413, "The body of the request is too large.", f"req.body_size gt {limits.body_bytes:d}")
    if _counts(app, limits.source_connections):
        rate = f"sc_conn_rate(2,{CONNECTIONS})"
        yield from _refused(429, "Too many connections.", f"{rate} gt {limits.source_connections:d}")
    if _counts(app, limits.source_requests):
        yield f"  http-request track-sc1 src table {REQUESTS}"
        yield from _refused(429, "Too many requests at a time.", f"sc_conn_cur(1) gt {limits.source_requests:d}")
    yield from _who_asks(app)
    if limits.body_within:
        yield f"  http-request wait-for-body time {limits.body_within:d}s at-least {BODY_LEAST}"


def _who_asks(app: App) -> Iterator[str]:
    """Yield the rules that drop what a client says of itself, and say what the edge knows."""
    yield from _trusted("trusted", app)
    unless_trusted = " unless trusted" if app.trusted_proxies else ""
    yield f"  http-request del-header {ALIASED} -m reg"
    yield f"  http-request del-header {CLAIMS} -m reg{unless_trusted}"
    yield f"  http-request set-header X-Forwarded-Port %[var(sess.port)]{unless_trusted}"
    known = {"X-Forwarded-Proto": SCHEME, "X-Forwarded-Host": "%[req.hdr(host)]", "X-Real-IP": "%[src]"}
    for name, value in known.items():
        yield f"  http-request set-header {name} {value} unless {{ req.hdr({name.lower()}) -m found }}"
    yield "  http-request set-var-fmt(txn.source) %[src]"
    yield "  http-request set-var-fmt(txn.source) '\"[%[src]]\"' if { src -m sub : }"
    condition = " if !trusted or { req.hdr(forwarded) -m found }" if app.trusted_proxies else ""
    yield f"  http-request add-header Forwarded for=%[var(txn.source)];proto={SCHEME}{condition}"
    yield "  option forwardfor"


def _trusted(name: str, app: App) -> Iterator[str]:
    """Yield the networks whose word counts: one a line, because a line holds 64 words."""
    for each in app.trusted_proxies:
        yield f"  acl {name} src {network(each)}"


def _counts(app: App, limit: int) -> bool:
    return bool(limit) and app.real_addresses


def _refused(status: int, reason: str, condition: str) -> Iterator[str]:
    retry = " hdr Retry-After 10" if status == 429 else ""
    yield f"  http-request deny deny_status {status} {_told(reason)}{retry} if {{ {condition} }}"


def _told(reason: str) -> str:
    return f'content-type text/plain string "{reason}"'


def _address(listen: str) -> Route:
    """Return a public address as a person writes it."""
    address, _, number = listen.rpartition(":")
    return Route("", 0, int(number), address.strip("[]"))
