"""The configuration that the edge of this host needs for a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from switchyard.core import edge
from switchyard.core.app import Route
from switchyard.core.site import Site
from switchyard.host.adapters.store import Store


def wanted_configuration(store: Store, app: str, release: str, site: Site) -> str:
    """Return HAProxy's configuration for a release on the edge of this host. What is live keeps its own checks."""
    apps = {colour: store.releases.settings(holder, app) for colour, holder in site.once_up(release).items()}
    return edge.configuration(edge_routes(store, store.releases.routes(release)), apps)


def edge_routes(store: Store, routes: Sequence[Route]) -> list[Route]:
    """Return the routes whose addresses the edge holds, in their order, with the options that a release gives them.

    Without an edge, return the release's own: the edge will be created with them.
    """
    published = store.published_routes()
    if published is None:
        return list(routes)
    by_name = {route.name: route for route in routes}
    pairs = [(route, by_name.get(route.name, route)) for route in published]
    return [replace(route, mode=options.mode, affinity=options.affinity) for route, options in pairs]


def routes_without_address(store: Store, routes: Sequence[Route]) -> list[str]:
    """Return the service and port of each route of a release that the edge holds no address for."""
    names = {route.name for route in edge_routes(store, routes)}
    return [f"{route.service}:{route.port}" for route in routes if route.name not in names]
