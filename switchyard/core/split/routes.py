"""The public addresses of a release and the services that they lead to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from switchyard.core.app import Route, RouteEntry
from switchyard.core.compose_document import EVERY_ADDRESS
from switchyard.core.split.inputs import Inputs


@dataclass(frozen=True)
class Routes:
    """The routes of a release, with what is wrong with them."""

    routes: tuple[Route, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def routes_of(inputs: Inputs) -> Routes:
    """Return the routes of the settings, or one for each published port where the settings name none."""
    entries = inputs.app.routes
    results = list(_published(inputs) if entries is None else (_route(inputs, entry) for entry in entries))
    routes = tuple(result for result in results if isinstance(result, Route))
    problems = [result for result in results if isinstance(result, str)]
    if entries is not None:
        problems = [problem for entry in entries for problem in _not_handled(entry)] + problems
    problems += _collisions(routes)
    if not problems:
        problems += _unreachable(inputs, routes)
    if not routes:
        problems.append("no service is routed: publish a port, or name one under app.routes in invoke.yaml")
    return Routes(routes, tuple(problems), tuple(_not_published(inputs, routes)))


def _published(inputs: Inputs) -> Iterator[Route | str]:
    """Yield a route, or what is wrong, for each port that a routed service publishes."""
    for service in inputs.services.values():
        if not inputs.kind(service).behind_edge:
            continue
        for port in service.ports:
            if port.protocol == "tcp" and port.published.isdigit() and port.target is not None:
                yield Route(service.name, port.target, int(port.published), port.host_ip)
            else:
                words = f"{port.published or 'a free port'}:{port.target}/{port.protocol}"
                yield f"service {service.name}: ports: {words}: only one fixed TCP port each is handled"


def _route(inputs: Inputs, entry: RouteEntry) -> Route | str:
    """Return the route of an entry of the settings, or what is wrong with it."""
    service = inputs.services.get(entry.service)
    if service is None or not inputs.kind(service).behind_edge:
        return f"app.routes: {entry.service} is not a routed service of the compose file"
    listen = entry.listen or next(
        (
            f"{port.host_ip}:{port.published}"
            for port in service.ports
            if port.target == entry.port and port.published.isdigit()
        ),
        None,
    )
    if listen is None:
        return (
            f"app.routes: {entry.service}: listen: the compose file publishes no port for {entry.port}. Say which "
            "port of the host the edge holds"
        )
    address, _, port = listen.rpartition(":")
    return Route(entry.service, entry.port, int(port), address or "0.0.0.0", entry.mode, entry.affinity)


def _not_handled(entry: RouteEntry) -> Iterator[str]:
    for key, value in {"tls": entry.tls, "host": entry.host, "path": entry.path}.items():
        if value:
            yield f"app.routes: {entry.service}: {key} is not handled yet: remove it"


def _collisions(routes: Sequence[Route]) -> Iterator[str]:
    """Yield a problem for each route whose public address an earlier one has."""
    for index, route in enumerate(routes):
        for other in routes[:index]:
            overlap = route.address == other.address or EVERY_ADDRESS & {route.address, other.address}
            if route.listen == other.listen and overlap:
                yield f"service {route.service}: listen {route.listen} is already a route of {other.service}"


def _unreachable(inputs: Inputs, routes: Sequence[Route]) -> Iterator[str]:
    """Yield a problem for each routed service that no route leads to."""
    reached = {route.service for route in routes}
    for service in inputs.services.values():
        if inputs.kind(service).behind_edge and service.name not in reached:
            yield (
                f"service {service.name}: it is routed, but no route leads to it. Publish a port of it, name it under "
                f"app.routes, or set app.kinds.{service.name}: plain"
            )


def _not_published(inputs: Inputs, routes: Sequence[Route]) -> Iterator[str]:
    """Yield a note for each published port that no route stands for."""
    reached = {(route.service, route.port) for route in routes}
    for service in inputs.services.values():
        if not inputs.kind(service).behind_edge:
            continue
        for port in service.ports:
            if (service.name, port.target) not in reached:
                yield f"{service.name}: its published port {port.published} is no route and is not published"
