"""The edge: HAProxy's configuration, its maps and its Compose document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from switchyard.core import (
    edge_affinity,
    edge_checks,
    edge_clients,
    edge_container,
    edge_counts,
    edge_hold,
    edge_names,
    edge_tls,
    names,
    route_modes,
)
from switchyard.core.app import App, Route
from switchyard.core.edge_clients import Subnet
from switchyard.core.edge_names import Target
from switchyard.core.haproxy import word
from switchyard.core.held_routes import HeldRoute
from switchyard.core.route_names import in_order, is_named
from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section

IMAGE = "haproxy:3.0"
HOME = "/etc/edge"
"""The folder of the edge's container that its host folders are mounted in."""
STATE = "/dev/shm/state"  # noqa: S108 - the memory of its own container
"""A file in which a reload finds its servers' addresses, so that it does not wait for names. It is in the container's
memory, because after a restart other containers may have those addresses."""
SERVERS = 8
"""The most containers of one routed service and colour that the edge can reach."""
DNS_OPTIONS = ["ndots:0"]
"""The engine's own default, but explicit: only then does the engine answer for a name without a dot that nothing has.
Otherwise it asks the name servers five times a second, and while those are slow an address outlives its container."""
DNS = ["127.255.255.254"]
"""The edge's name server, where nobody listens. For a colour that does not run, the engine answers at once (SERVFAIL),
and no question leaves the host."""
ANSWERING_ENGINE = 24
"""The first major version of the engine that answers where its name server does not. An older one says nothing, and by
``SILENT`` an address would outlive its container."""
SILENT = "24h"
"""How long the last addresses count while the engine answers nothing. HAProxy's own 30 s are over sooner than a stalled
disk or an engine that is being replaced; then it would take out containers that run. Checks see those that do not."""
LATE = "1s"
"""How late the engine may answer. HAProxy drops an answer that comes after it asked again: at 200 ms, a busy engine's
answers never counted, and no new container was seen. A word of the engine ends the wait, so this slows nothing."""
HEADER = "X-Switchyard-Release"

_LIVE = f"str(live),map({HOME}/maps/live.map,none)"
_LOG = (
    "%{+json}o %(t)[accept_date(ms)] %(route)f %(backend)b %(server)s %(status)ST %(wait)Tw %(connect)Tc "
    "%(response)Tr %(total)Ta %(end)ts %(retries)rc %(bytes)B %(method)HM"
)

_HEAD = f"""global
  log stdout format raw local0
  stats socket {HOME}/run/edge.sock mode 600 level admin expose-fd listeners
  maxconn 8192
  thread-hard-limit {edge_container.THREADS_MOST}
  tune.bufsize 65536
  tune.http.maxhdr 256
  hard-stop-after 15m
  server-state-file {STATE}
{edge_counts.global_lines(HOME)}
defaults
  load-server-state-from-file global
  mode http
  log global
  log-format "{_LOG}"
  option idle-close-on-response
  option dontlognull
  retries 3
  option redispatch 1
  timeout connect 2s
  timeout client 15m
  timeout server 15m
  timeout tunnel 24h
  timeout http-request 30s
  timeout http-keep-alive 60s
  timeout check 5s
{edge_clients.head()}
resolvers engine
  nameserver dns 127.0.0.11:53
  resolve_retries 1
  timeout resolve 200ms
  timeout retry {LATE}
  hold valid 200ms
  hold nx 200ms
  hold other 200ms
  hold refused 200ms
  hold obsolete 200ms
  hold timeout {SILENT}

backend nothing_live
  http-request return status 503 content-type text/plain string "Nothing is live here."

backend nothing_live_tcp
  mode tcp
  tcp-request content reject

{edge_counts.table()}"""


def serves(count: int) -> bool:
    """Return whether so many containers of a routed service all get requests."""
    return 1 <= count <= SERVERS


def live_map(colour: str) -> str:
    """Return the map that names the live colour."""
    return f"live {word(colour)}\n"


def releases_map(releases: Mapping[str, str | None]) -> str:
    """Return the map that names each colour's release, for the response header."""
    return "".join(f"{word(colour)} {word(release or 'none')}\n" for colour, release in sorted(releases.items()))


def drain_map(until: Mapping[str, int]) -> str:
    """Return the map of the releases that still drain, each with the second since the epoch at which it stops."""
    return "".join(f"{word(release)} {second:d}\n" for release, second in sorted(until.items()))


def previews_map(until: Mapping[str, int]) -> str:
    """Return the map of the colours whose previews are open, each with the second since the epoch until which."""
    return drain_map(until)


def inner_port(index: int) -> int:
    """Return the port of an address inside the edge's container. ``index`` is its place among the held addresses."""
    return 10000 + index


def preview_inner_port(index: int, colour: str) -> int:
    """Return the port of an address's preview inside the edge's container."""
    return 11000 + 2 * index + names.COLOURS.index(colour)


class ColourRoutes(NamedTuple):
    """What the edge knows of the release in a colour."""

    app: App
    """The settings that the release shipped with."""
    routes: Sequence[Sequence[Route]]
    """Where each held address leads, in their order; nowhere where the release closes it."""
    has_reserved_names: bool = False
    """Whether the release's services have their reserved names, which those of an older Switchyard lack."""


class Place(NamedTuple):
    """Where the edge's container stands."""

    asks_nobody: bool
    """Whether no question for a name leaves the engine."""
    subnets: Sequence[Subnet] = ()
    """Those of both colours' networks."""


def configuration(addresses: Sequence[HeldRoute], colours: Mapping[str, ColourRoutes], place: Place) -> str:
    """Return HAProxy's configuration: a frontend for each address, and a backend for what each colour has behind it."""
    apps = {colour: each.app for colour, each in colours.items()}
    parts = [_HEAD, *([edge_hold.load(HOME)] if any(app.exclusive for app in apps.values()) else [])]
    own = edge_clients.neighbours(place.subnets)
    for index, address in enumerate(addresses):
        routes = {colour: colours[colour].routes[index] for colour in names.COLOURS}
        parts.append(_frontend(index, address, routes, own, apps))
        parts += [_preview(index, address, colour, each, own) for colour, each in routes.items()]
    if any(map(is_named, (routes for colour in colours.values() for routes in colour.routes))):
        parts.append(edge_names.BACKENDS)
    parts += edge_clients.tables(apps.values())
    checks = edge_checks.words(len(backends(colours)))
    for colour in names.COLOURS:
        app, is_reserved = colours[colour].app, place.asks_nobody and colours[colour].has_reserved_names
        for route in _behind(colours[colour]).values():
            alias = names.former_alias(route.service, colour)
            if is_reserved:
                alias = names.alias(route.service, colour, app.name)
            parts += [_backend(route, colour, app, word(alias), each) for each in (checks, "")]
    return "\n".join(parts)


def backends(colours: Mapping[str, ColourRoutes]) -> set[str]:
    """Return the names of the backends that the configuration for these colours has for their containers."""
    return {backend_name(route, colour) for colour, each in colours.items() for route in _behind(each).values()}


def _behind(colour: ColourRoutes) -> dict[str, Route]:
    """Return the routes of a colour by what they lead to: one of each."""
    return {route.name: route for routes in colour.routes for route in routes}


def _frontend(
    index: int,
    address: HeldRoute,
    routes: Mapping[str, Sequence[Route]],
    rules: Sequence[str],
    apps: Mapping[str, App],
) -> str:
    """Return the frontend of an address. Where the colours' modes differ, each backend brings its own."""
    every = [route for each in routes.values() for route in each]
    is_http = route_modes.are_http(every)
    edge_names.require_alike(address.public, every)
    ends_tls = any(route.tls for route in every or [address])
    lines = [
        f"frontend {address_name(address)}",
        f"  mode {'http' if is_http else 'tcp'}",
        f"  bind :{inner_port(index)}{edge_tls.listener(HOME, apps.values()) if ends_tls else ''}",
        *rules,
        *edge_counts.frontend(address_name(address), HOME, is_http=is_http),
    ]
    lines += [] if is_http else ["  option tcplog"]
    lines.append(f"  acl nothing {_LIVE} -m str none")
    lines += [f"  acl live_{colour} {_LIVE} -m str {colour}" for colour in routes]
    lines += edge_clients.frontend(address, apps, is_http=is_http)
    lines += [f"  tcp-request content reject if live_{colour}" for colour, each in routes.items() if not each]
    lines += edge_tls.rules(apps) if ends_tls else []
    waits = edge_hold.rules(routes, apps, is_named=is_named(every))
    return "\n".join([*lines, *_leading(address, routes, waits, is_http=is_http)]) + "\n"


def _leading(
    address: HeldRoute, routes: Mapping[str, Sequence[Route]], waits: Iterable[str], *, is_http: bool
) -> list[str]:
    """Return the rules of an address that lead each request to the containers of a colour, once it has waited."""
    lines: list[str] = []
    every = [route for each in routes.values() for route in each]
    has_affinity = is_http and any(route.affinity for route in every)
    if has_affinity:
        cookie, former = _cookie(address), f"switchyard-{word(address.name)}" if address.number is None else None
        lines += edge_affinity.page_rules(cookie, former, HOME)
        lines += [edge_affinity.set_cookie(cookie, colour, _release(colour)) for colour, each in routes.items() if each]
    targets = [target for colour in routes for target in _targets(colour, routes[colour], is_chosen=is_named(every))]
    if is_named(every):
        lines += edge_names.choice(routes, targets)
        lines += [line for colour, each in routes.items() for line in edge_tls.redirects(each, colour)]
    lines += waits
    lines += [f"  acl {target.up} nbsrv({target.backend}) gt 0" for target in targets]
    lines.append(f"  use_backend {'nothing_live' if is_http else 'nothing_live_tcp'} if nothing")
    if has_affinity:
        lines += edge_affinity.rules(targets)
    lines += [line for target in targets for line in target.live_rules]
    if is_named(every):
        lines += [line for colour, each in routes.items() if each for line in edge_names.refusals(each, colour)]
    return lines


def _targets(colour: str, routes: Sequence[Route], *, is_chosen: bool) -> list[Target]:
    """Return what an address leads to in a colour: one of each, with affinity where one of its routes has it."""
    own = [route for route in routes if not route.redirects]
    leading = {route.name: route for route in sorted(own, key=lambda route: route.affinity)}
    return [Target(backend_name(route, colour), colour, route.affinity, is_chosen) for route in leading.values()]


def _release(colour: str) -> str:
    return f"%[str({colour}),map({HOME}/maps/releases.map,none)]"


def _preview(index: int, address: HeldRoute, colour: str, routes: Sequence[Route], rules: Sequence[str]) -> str:
    """Return the frontend of an address's preview. What no route takes goes where the most goes."""
    mode = word(routes[0].mode) if routes else "tcp"
    lines = [
        f"frontend preview_{preview_name(address, colour)}",
        f"  mode {mode}",
        f"  bind :{preview_inner_port(index, colour)}",
        *rules,
        *_open_rules("tcp-request connection", colour),
        *(_open_rules("http-request", colour) if mode == "http" else []),
        "  no log",
        edge_clients.port(address),
    ]
    targets = _targets(colour, routes, is_chosen=True)
    if len(targets) > 1:
        lines += edge_names.choice({colour: routes}, targets)
        lines += [f"  use_backend {target.backend} if{target.to}" for target in targets]
    leads = f"default_backend {backend_name(in_order(routes)[-1], colour)}" if routes else "tcp-request content reject"
    return "\n".join([*lines, f"  {leads}"]) + "\n"


def _open_rules(each: str, colour: str) -> list[str]:
    """Return the rules that refuse each connection, or request, while the colour's previews are closed."""
    return [
        f"  {each} set-var(sess.until) str({colour}),map_str_int({HOME}/maps/previews.map,0)",
        f"  {each} set-var(sess.left) date(),neg,add(sess.until)",
        f"  {each} reject unless {{ var(sess.left) -m int gt 0 }}",
    ]


def _backend(route: Route, colour: str, app: App, alias: str, checks: str) -> str:
    """Return the section of what a route leads to in a colour. Without ``checks``, every container gets requests."""
    lines = [f"backend {'' if checks else 'unchecked_'}{backend_name(route, colour)}", f"  mode {word(route.mode)}"]
    lines += edge_counts.backend(route, colour, _release(colour), HOME)
    if route.mode == "tcp" and not checks:
        lines.append("  retries 0")  # where nothing listens, the client learns it at once and not after 3 s
    if route.mode == "http":
        lines += edge_clients.backend(app)
        if app.release_header:
            lines.append(f"  http-response set-header {HEADER} {_release(colour)}")
        if (check := app.path_check(route)) and checks:
            lines += edge_checks.request(check)
    resolved = "resolvers engine resolve-prefer ipv4 init-addr last,none"
    lines.append(f"  server-template s 1-{SERVERS} {alias}:{route.port:d} {checks}{resolved}")
    return "\n".join(lines) + "\n"


def _cookie(address: HeldRoute) -> str:
    return f"switchyard-{address_name(address).replace(':', '-')}"


def document(
    app: str,
    addresses: Sequence[HeldRoute],
    previews: Mapping[str, int],
    *,
    home: str,
    user: str,
    image: str,
    engine: str,
) -> dict[str, Json]:
    """Return the edge's Compose document.

    ``previews`` maps each preview's name to a loopback port of the host. ``engine`` is the engine's version.
    """
    mounts = [f"{home}/{name}:{HOME}/{name}{mode}" for name, mode in (("cfg", ":ro"), ("maps", ":ro"), ("run", ""))]
    return {
        "name": names.project(app, "edge"),
        "services": {
            "edge": {
                "image": image,
                "pull_policy": "never",
                "command": ["haproxy", "-W", "-db", "-f", f"{HOME}/cfg/haproxy.cfg"],
                "user": user,
                **edge_container.HARDENED,
                "restart": "unless-stopped",
                "ports": _ports(addresses, previews),
                "volumes": mounts,
                "networks": list(names.COLOURS),
                "dns_opt": DNS_OPTIONS,
                **({"dns": DNS} if answers_always(engine) else {}),
                "labels": {names.APP: app, names.KIND: "edge"},
                "logging": {"driver": "json-file", "options": {"max-size": "20m", "max-file": "3"}},
            }
        },
        "networks": external_networks(app),
    }


def _ports(addresses: Sequence[HeldRoute], previews: Mapping[str, int]) -> list[str]:
    """Return what the edge's container publishes: each address, and its previews on loopback."""
    ports = [f"{address.public}:{inner_port(index)}" for index, address in enumerate(addresses)]
    for index, address in enumerate(addresses):
        for colour in names.COLOURS:
            host = previews[preview_name(address, colour)]
            ports.append(f"127.0.0.1:{host}:{preview_inner_port(index, colour)}")
    return ports


def answers_always(engine: str) -> bool:
    """Return whether an engine of this version answers for each name that no container has."""
    major = engine.partition(".")[0]
    return major.isdecimal() and int(major) >= ANSWERING_ENGINE


def asks_nobody(document: Json) -> bool:
    """Return whether no question of an edge with this Compose document leaves the engine. Raise ``WireError``."""
    return Section.of(document, "").section("services").section("edge").words("dns") == tuple(DNS)


def external_networks(app: str) -> dict[str, Json]:
    """Return both colours' networks, as a document names networks that it does not create."""
    return {colour: {"name": names.network(app, colour), "external": True} for colour in names.COLOURS}


def address_name(address: Route) -> str:
    """Return what the configuration calls a public address."""
    return word(address.public.replace("[", "").replace("]", ""))


def preview_names(addresses: Iterable[Route]) -> list[str]:
    """Return the names of the previews that these addresses need."""
    return [preview_name(address, colour) for address in addresses for colour in names.COLOURS]


def preview_name(address: Route, colour: str) -> str:
    """Return what the configuration calls the preview of an address in a colour."""
    return f"{address_name(address)}_{colour}"


def backend_name(route: Route, colour: str) -> str:
    """Return what the configuration calls the containers of a colour that a route leads to."""
    return word(f"{route.name}_{colour}")
