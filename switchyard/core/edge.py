"""The edge: HAProxy's configuration, its maps and its Compose document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from switchyard.core import names
from switchyard.core.app import App, Route
from switchyard.core.wire.message import Json

IMAGE = "haproxy:3.0"
HOME = "/etc/edge"
"""The folder of the edge's container that its host folders are mounted in."""
STATE = "/dev/shm/state"
"""A file in which a reload finds its servers' addresses, so that it does not wait for names. It is in the container's
memory, because after a restart other containers may have those addresses."""
SERVERS = 8
"""The most containers of one service and colour that the edge can reach."""
DNS_OPTIONS = ["ndots:0"]
"""The engine's own default, but explicit: only then does the engine answer for a colour that does not run. Otherwise it
asks the host's name servers five times a second, and while those are slow an address outlives its container."""
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
  tune.bufsize 65536
  tune.http.maxhdr 256
  hard-stop-after 15m
  server-state-file {STATE}

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

resolvers engine
  nameserver dns 127.0.0.11:53
  resolve_retries 1
  timeout resolve 200ms
  timeout retry {LATE}
  hold valid 200ms
  hold nx 200ms
  hold obsolete 200ms
  hold timeout {SILENT}

backend nothing_live
  http-request return status 503 content-type text/plain string "Nothing is live here."

backend nothing_live_tcp
  mode tcp
  tcp-request content reject
"""


def live_map(colour: str) -> str:
    """Return the map that names the live colour."""
    return f"live {colour}\n"


def releases_map(releases: Mapping[str, str | None]) -> str:
    """Return the map that names each colour's release, for the response header."""
    return "".join(f"{colour} {release or 'none'}\n" for colour, release in sorted(releases.items()))


def drain_map(until: Mapping[str, int]) -> str:
    """Return the map of the releases that still drain, each with the second since the epoch at which it stops."""
    return "".join(f"{release} {second}\n" for release, second in sorted(until.items()))


def inner_port(index: int) -> int:
    """Return the port of a route inside the edge's container. ``index`` is the route's place among the routes."""
    return 10000 + index


def preview_inner_port(index: int, colour: str) -> int:
    """Return the port of a route's preview inside the edge's container."""
    return 11000 + 2 * index + names.COLOURS.index(colour)


def configuration(routes: Sequence[Route], apps: Mapping[str, App]) -> str:
    """Return HAProxy's configuration for these routes. ``apps`` has the settings of each colour's own release."""
    parts = [_HEAD]
    for index, route in enumerate(routes):
        parts.append(_frontend(index, route))
        for colour in names.COLOURS:
            parts.append(_preview(index, route, colour))
            parts.append(_backend(route, colour, apps[colour]))
            parts.append(_backend(route, colour, apps[colour], checked=False))
    return "\n".join(parts)


def _frontend(index: int, route: Route) -> str:
    lines = [f"frontend {route.name}", f"  mode {route.mode}", f"  bind :{inner_port(index)}"]
    if route.mode == "tcp":
        lines += [
            "  option tcplog",
            f"  acl nothing {_LIVE} -m str none",
            *_ups(route),
            "  use_backend nothing_live_tcp if nothing",
            *_unchecked_rules(route),
            f"  use_backend {route.name}_%[{_LIVE}]",
        ]
        return "\n".join(lines) + "\n"
    lines += ["  option forwardfor", f"  acl nothing {_LIVE} -m str none"]
    lines += _page_rules(route) if route.affinity else []
    lines += _ups(route)
    lines.append("  use_backend nothing_live if nothing")
    if route.affinity:
        for colour in names.COLOURS:
            lines += [
                f"  acl from_{colour} var(txn.colour) -m str {colour}",
                f"  use_backend {route.name}_{colour} if draining from_{colour} {colour}_up !loads_page",
            ]
    lines += _unchecked_rules(route)
    lines.append(f"  use_backend {route.name}_%[{_LIVE}]")
    return "\n".join(lines) + "\n"


def _ups(route: Route) -> list[str]:
    """Return the conditions that a container of a colour passes its check."""
    return [f"  acl {colour}_up nbsrv({route.name}_{colour}) gt 0" for colour in names.COLOURS]


def _unchecked_rules(route: Route) -> list[str]:
    """Return the rules by which the live colour is asked even while none of its containers passes its check.

    A late answer is better than none, and only a proven release is live.
    """
    return [
        line
        for colour in names.COLOURS
        for line in (
            f"  acl live_{colour} {_LIVE} -m str {colour}",
            f"  use_backend unchecked_{route.name}_{colour} if live_{colour} !{colour}_up",
        )
    ]


def _page_rules(route: Route) -> list[str]:
    """Return the rules that tell requests for pages from those that pages make, and whether their colour drains."""
    cookie = _cookie(route)
    return [
        "  acl page req.hdr(sec-fetch-dest) -m str document iframe",
        "  acl named req.hdr(sec-fetch-dest) -m found",
        "  acl html req.hdr(accept) -m sub text/html",
        f"  http-request set-var(txn.until) req.cook({cookie}),field(2,:),map_str_int({HOME}/maps/drain.map,0)",
        "  http-request set-var(txn.left) date(),neg,add(txn.until)",
        f"  http-request set-var(txn.colour) req.cook({cookie}),field(1,:)",
        "  acl draining var(txn.left) -m int gt 0",
        "  http-request set-var(txn.page) bool(true) if page",
        "  http-request set-var(txn.page) bool(true) if !named html",
        "  acl loads_page var(txn.page) -m bool",
    ]


def _preview(index: int, route: Route, colour: str) -> str:
    return (
        f"frontend preview_{preview_name(route, colour)}\n  mode {route.mode}\n"
        f"  bind :{preview_inner_port(index, colour)}\n  no log\n  default_backend {preview_name(route, colour)}\n"
    )


def _backend(route: Route, colour: str, app: App, *, checked: bool = True) -> str:
    lines = [f"backend {'' if checked else 'unchecked_'}{route.name}_{colour}", f"  mode {route.mode}"]
    if route.mode == "tcp" and not checked:
        lines.append("  retries 0")  # where nothing listens, the client learns it at once and not after 3 s
    release = f"%[str({colour}),map({HOME}/maps/releases.map,none)]"
    if route.mode == "http":
        if app.release_header:
            lines.append(f"  http-response set-header {HEADER} {release}")
        if route.affinity:
            lines.append(
                f"  http-response add-header Set-Cookie {_cookie(route)}={colour}:{release};"
                "\\ Path=/;\\ HttpOnly;\\ SameSite=Lax if { var(txn.page) -m bool }"
            )
        if (check := app.path_check(route)) and checked:
            lines.append("  option httpchk")
            lines.append(
                f"  http-check send meth GET uri {check.path} ver HTTP/1.1 hdr Host localhost hdr Connection close"
            )
            lines.append(f"  http-check expect status {check.status or '200-399'}")
    alias = names.alias(route.service, colour)
    checks = "check inter 300ms fastinter 100ms fall 3 rise 1 " if checked else ""
    resolved = "resolvers engine resolve-prefer ipv4 init-addr last,none"
    lines.append(f"  server-template s 1-{SERVERS} {alias}:{route.port} {checks}{resolved}")
    return "\n".join(lines) + "\n"


def _cookie(route: Route) -> str:
    return f"switchyard-{route.name}"


def document(
    app: str, routes: Sequence[Route], previews: Mapping[str, int], *, home: str, user: str, image: str
) -> dict[str, Json]:
    """Return the edge's Compose document. ``previews`` maps each preview's name to a loopback port of the host."""
    ports = [f"{route.address}:{route.listen}:{inner_port(index)}" for index, route in enumerate(routes)]
    for index, route in enumerate(routes):
        for colour in names.COLOURS:
            host = previews[preview_name(route, colour)]
            ports.append(f"127.0.0.1:{host}:{preview_inner_port(index, colour)}")
    mounts = [f"{home}/{name}:{HOME}/{name}" for name in ("cfg", "maps", "run")]
    return {
        "name": names.project(app, "edge"),
        "services": {
            "edge": {
                "image": image,
                "pull_policy": "never",
                "command": ["haproxy", "-W", "-db", "-f", f"{HOME}/cfg/haproxy.cfg"],
                "user": user,
                "restart": "unless-stopped",
                "ports": ports,
                "volumes": mounts,
                "networks": list(names.COLOURS),
                "dns_opt": DNS_OPTIONS,
                "labels": {names.APP: app, names.KIND: "edge"},
                "logging": {"driver": "json-file", "options": {"max-size": "20m", "max-file": "3"}},
            }
        },
        "networks": external_networks(app),
    }


def external_networks(app: str) -> dict[str, Json]:
    """Return both colours' networks, as a document names networks that it does not create."""
    return {colour: {"name": names.network(app, colour), "external": True} for colour in names.COLOURS}


def preview_names(routes: Iterable[Route]) -> list[str]:
    """Return the names of the previews that these routes need."""
    return [preview_name(route, colour) for route in routes for colour in names.COLOURS]


def preview_name(route: Route, colour: str) -> str:
    """Return what the configuration calls a route's preview of a colour, and the backend behind it."""
    return f"{route.name}_{colour}"
