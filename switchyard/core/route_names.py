"""Which of the routes at one public address takes a request, by the names and the paths that they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from switchyard.core.app import App, Check, Route

WILDCARD = "*."


def in_order(routes: Iterable[Route]) -> list[Route]:
    """Return routes with those first that win: by name, exact before wildcard before none, then by the longer path."""
    return sorted(routes, key=lambda route: (*_vagueness(route), route.host, route.path))


def _vagueness(route: Route) -> tuple[int, int]:
    names = 2 if not route.host else int(route.host.startswith(WILDCARD))
    return names, -len(route.path)


def is_named(routes: Iterable[Route]) -> bool:
    """Return whether any route takes a part of what arrives at its address, by name or path."""
    return any(route.host or route.path for route in routes)


def taker(routes: Iterable[Route], name: str, path: str) -> Route | None:
    """Return the route that takes a request; None where none does."""
    return next((route for route in in_order(routes) if has_name(route, name) and _has_path(route, path)), None)


def covering_names(name: str) -> tuple[str, str]:
    """Return the names of routes and certificates that are for a name: itself, else its wildcard for one label."""
    return name, f"{WILDCARD}{name.partition('.')[2]}"


def has_name(route: Route, name: str) -> bool:
    """Return whether a route takes a name."""
    return route.host in ("", *covering_names(name))


def _has_path(route: Route, path: str) -> bool:
    return f"{path.partition('?')[0]}/".startswith(f"{route.path}/")


def sample_name(route: Route) -> str:
    """Return a name that a route takes; empty where it takes every name."""
    return route.host.replace("*", "www")


def page(app: App, route: Route, routes: Sequence[Route]) -> Check:
    """Return what a look at a route requests through the edge: the path of the route's check, else its top.

    That is the top too where another one of ``routes`` takes the path of the check.
    """
    check = app.path_check(route)
    beside = [each for each in routes if each.public == route.public] or [route]
    if check is not None and taker(beside, sample_name(route), check.path or "/") == route:
        return check
    return Check(route.port, route.path or "/")
