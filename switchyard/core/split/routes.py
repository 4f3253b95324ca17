"""The public addresses of a release and the services that they lead to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from switchyard.core import edge_clients, route_modes
from switchyard.core.app import Route, RouteEntry
from switchyard.core.compose_document import Port, Service
from switchyard.core.held_routes import is_same, overlap
from switchyard.core.route_modes import Mode
from switchyard.core.split import ports
from switchyard.core.split.inputs import Inputs

HTTP_PORT = 80
ROUTES_MOST = 100
"""More routes than the edge holds: it checks each of them three times a second."""


@dataclass(frozen=True)
class Routes:
    """The routes of a release, with what is wrong with them."""

    routes: tuple[Route, ...]
    modes: tuple[str, ...]
    """Why each route has its mode."""
    problems: tuple[str, ...]
    notes: tuple[str, ...]


class _Reasoned(NamedTuple):
    """A route with the reason of its mode."""

    route: Route
    why: str


def routes_of(inputs: Inputs) -> Routes:
    """Return the routes of the settings, or one for each published port where the settings name none."""
    entries = inputs.app.routes
    reasoned, problems = _published(inputs) if entries is None else ([], [])
    for entry in entries or ():
        result = _routes(inputs, entry)
        if isinstance(result, str):
            problems.append(result)
        else:
            reasoned += result
    reasoned = list(dict.fromkeys(reasoned))
    reasoned += _redirects(inputs, [each.route for each in reasoned])
    routes = tuple(each.route for each in reasoned)
    problems += [*_too_many(routes), *_collisions(inputs, routes), *_two_modes(routes), *_unread(routes)]
    problems += edge_clients.unknown_addresses(inputs.app, routes)
    if not problems:
        problems += _unreachable(inputs, routes)
    if not routes and not problems:
        problems.append("no service is routed: publish a port, or name one under app.routes in invoke.yaml")
    notes = (*_not_published(inputs, routes), *_guessed(reasoned))
    return Routes(routes, tuple(each.why for each in reasoned), tuple(problems), notes)


def _published(inputs: Inputs) -> tuple[list[_Reasoned], list[str]]:
    """Return a route for each port that a routed service publishes, and what is wrong with the others."""
    routed = _routed(inputs)
    problems = [problem for service in routed for problem in ports.refused(service)]
    if any(ports.is_left_to_engine(port) for service in routed for port in service.ports):
        candidates = {service.name: _sound(service) for service in routed}
        problems.append(ports.proposal(candidates))
    return [
        _reasoned(Route(service.name, port.target, port.number, _address(port.host_ip)), None, port)
        for service in routed
        for port in _sound(service)
        if port.target is not None and port.number is not None
    ], problems


def _routed(inputs: Inputs) -> list[Service]:
    return [service for service in inputs.services.values() if inputs.kind(service).behind_edge]


def _sound(service: Service) -> list[Port]:
    """Return the published ports that the edge could hold, once each has a number."""
    return [
        port
        for port in service.ports
        if port.protocol == "tcp" and not port.is_malformed and ports.is_address(port.host_ip)
    ]


def _routes(inputs: Inputs, entry: RouteEntry) -> list[_Reasoned] | str:
    """Return the routes of an entry of the settings: one for each address; or what is wrong with it."""
    service = inputs.services.get(entry.service)
    if service is None or not inputs.kind(service).behind_edge:
        return f"app.routes: {entry.service} is not a routed service of the compose file"
    published = [port for port in _sound(service) if port.target == entry.port]
    if entry.listen is not None:
        address, _, number = entry.listen.rpartition(":")
        pairs = [(_address(address.strip("[]")), int(number))]
    else:
        pairs = [(_address(port.host_ip), port.number) for port in published if port.number is not None]
    if not pairs:
        return (
            f"app.routes: {entry.service}: listen: the compose file publishes no fixed TCP port for {entry.port}. Say "
            "which port of the host the edge holds"
        )
    return [
        _reasoned(
            Route(
                *(entry.service, entry.port, number, address),
                affinity=entry.affinity,
                host=entry.host or "",
                path=entry.path or "",
                tls=entry.tls is True,
            ),
            entry.mode,
            *published,
        )
        for address, number in pairs
    ]


def _reasoned(route: Route, mode: str | None, *published: Port) -> _Reasoned:
    """Give a route the mode of the settings, else the one that its port suggests."""
    app_protocol = next((port.app_protocol for port in published if port.app_protocol), "")
    suggestion = route_modes.suggested(route.port, app_protocol)
    chosen = suggestion if mode is None else Mode(mode, "the settings say so")
    return _Reasoned(replace(route, mode=chosen.mode), chosen.why)


def _address(text: str) -> str:
    """Return an address of the host in its one spelling; empty for every address."""
    return ipaddress.ip_address(text).compressed if text and ports.is_address(text) else text


def _redirects(inputs: Inputs, routes: Sequence[Route]) -> list[_Reasoned]:
    """Return the routes that send clients on to TLS: port 80 of each address with TLS, where nothing else holds it."""
    redirects: dict[str, _Reasoned] = {}
    for route in routes if inputs.app.tls.redirect else ():
        way = replace(route, listen=HTTP_PORT, path="", tls=False, affinity=False, redirects=route.listen)
        if route.tls and not any(overlap(way, other) for other in (*routes, *_shared(inputs))):
            redirects.setdefault(way.identity, _Reasoned(way, f"tls: true, so it leads on to port {route.listen}"))
    return list(redirects.values())


def _too_many(routes: Sequence[Route]) -> Iterator[str]:
    if len(routes) > ROUTES_MOST:
        counts = {route.service: sum(each.service == route.service for each in routes) for route in routes}
        service = max(counts, key=lambda name: counts[name])
        yield (
            f"service {service}: ports: the edge holds at most {ROUTES_MOST} routes, and these are {len(routes)}. "
            f"Leave some out with app.ignored_ports.{service}, or name those that users need under app.routes"
        )


def _collisions(inputs: Inputs, routes: Sequence[Route]) -> Iterator[str]:
    """Yield a problem for each route whose public address an earlier one, or a shared service, has."""
    for index, route in enumerate(routes):
        for other in (*routes[:index], *_shared(inputs)):
            if overlap(route, other) and not _differ(route, other):
                yield (
                    f"service {route.service}: listen {route.identity} is already a route of {other.service}. Give it "
                    f"another listen under app.routes, or leave it out with app.ignored_ports.{route.service}: "
                    f"[{route.port}]"
                )


def _differ(one: Route, another: Route) -> bool:
    """Return whether the edge tells two routes apart by what a request asks for."""
    are_read = one.mode == another.mode == route_modes.HTTP and is_same(one, another)
    return are_read and (one.host, one.path) != (another.host, another.path)


def _shared(inputs: Inputs) -> list[Route]:
    """Return the ports that shared services publish, which the edge cannot hold too."""
    return [
        Route(service.name, port.target or 0, port.number, port.host_ip)
        for service in inputs.shared().values()
        for port in service.ports
        if port.protocol == "tcp" and port.number is not None
    ]


def _two_modes(routes: Sequence[Route]) -> Iterator[str]:
    """Yield a problem for each port of a service that two routes lead to in different modes."""
    modes: dict[str, str] = {}
    for route in routes:
        if modes.setdefault(route.name, route.mode) != route.mode:
            yield f"app.routes: {route.service}: mode: its routes to port {route.port} must have one mode"


def _unread(routes: Sequence[Route]) -> Iterator[str]:
    """Yield a problem for each route whose requests the edge cannot read, and should."""
    for route in routes:
        if route.mode == route_modes.TCP and (route.host or route.path):
            yield (
                f"app.routes: {route.service}: {'host' if route.host else 'path'}: port {route.port} is passed on "
                "unread, so it has no names and paths. Set mode: http if it speaks HTTP/1.1, or remove it"
            )
        if route.tls and not route.host:
            yield f"app.routes: {route.service}: tls: it needs a host, whose certificate the edge shows"
        if any(is_same(route, other) and route.tls and not other.tls for other in routes):
            yield f"app.routes: {route.service}: tls: {route.public} has other routes without tls. Give all of them tls"


def _unreachable(inputs: Inputs, routes: Sequence[Route]) -> Iterator[str]:
    """Yield a problem for each routed service that no route leads to."""
    reached = {route.service for route in routes}
    for service in _routed(inputs):
        if service.name not in reached:
            yield (
                f"service {service.name}: it is routed, but no route leads to it. Publish a port of it, name it under "
                f"app.routes, or set app.kinds.{service.name}: plain"
            )


def _not_published(inputs: Inputs, routes: Sequence[Route]) -> Iterator[str]:
    """Yield a note for each published port that no route stands for."""
    reached = {(route.service, route.port) for route in routes}
    for service in _routed(inputs):
        for port in service.ports:
            if (service.name, port.target) not in reached or port.protocol != "tcp":
                published = port.published or port.spelling
                yield f"{service.name}: its published port {published} is no route and is not published"


def _guessed(reasoned: Iterable[_Reasoned]) -> Iterator[str]:
    """Yield a note for each route whose mode is TCP by its port alone."""
    for route, why in reasoned:
        if route.mode == route_modes.TCP and route.port in route_modes.PROTOCOLS and why != "the settings say so":
            yield (
                f"route {route.public} is mode: tcp, because {why}. If it speaks HTTP/1.1, set app.routes: "
                f"- {{service: {route.service}, port: {route.port}, mode: http}}"
            )
