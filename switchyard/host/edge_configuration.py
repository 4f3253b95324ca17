"""The configuration that the edge of this host needs for a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from switchyard.core import edge, held_routes, names
from switchyard.core.app import App, Route
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.held_routes import HeldRoute
from switchyard.core.site import Site
from switchyard.core.wire.message import WireError
from switchyard.host.adapters import engine
from switchyard.host.adapters.files import DamagedFile, read_json
from switchyard.host.adapters.store import Store

LIVE_ONCE = ("live", "good", "unverified")
"""The states of a release that was proven and may answer again. One that failed or is bad may not."""


class Wanted(NamedTuple):
    """What the edge of this host needs for a release."""

    configuration: str
    """HAProxy's configuration."""
    backends: set[str]
    """The names of the backends that it has for containers."""


def wanted(store: Store, app: str, release: str, site: Site) -> Wanted:
    """Return what the edge needs for a release."""
    colours, where = colour_routes(store, app, release, site), place(app, published_document(store))
    return Wanted(edge.configuration(held_addresses(store, release), colours, where), edge.backends(colours))


def published_document(store: Store) -> Path:
    """Return the path of the Compose document of the edge that runs."""
    return store.edge / "compose.json"


def place(app: str, document: Path) -> Place:
    """Return where the container of an edge with this Compose document stands."""
    subnets = [each for colour in names.COLOURS for each in engine.subnets(names.network(app, colour))]
    return Place(asks_nobody(document), subnets)


def asks_nobody(document: Path) -> bool:
    """Return whether no question of an edge with this Compose document leaves the engine; False where it is damaged."""
    try:
        return edge.asks_nobody(read_json(document))
    except (DamagedFile, WireError):
        return False


def colour_routes(store: Store, app: str, release: str, site: Site) -> dict[str, ColourRoutes]:
    """Return what each colour has behind the edge once a release is up. What is live keeps its routes and checks."""
    addresses, home = held_addresses(store, release), site.holder(release) or site.idle
    holders = site.once_up(release)
    holders |= {each: release for each in names.COLOURS if each != home and not may_lead(store, site, each)}
    return _routes_of(store, app, addresses, holders)


def settled_routes(store: Store, app: str, addresses: Sequence[HeldRoute], site: Site) -> dict[str, ColourRoutes]:
    """Return what each colour has behind the edge while no attempt runs: what is live, and what was live before it.

    A colour with anything else, such as a release that failed, has the routes of the live one.
    """
    live = site.slot(site.live).release if site.live in names.COLOURS else None
    store.releases.record(live)  # raises where it is damaged: what is live keeps the configuration that it has
    holders = {each: site.slot(each).release if may_lead(store, site, each) else live for each in names.COLOURS}
    return _routes_of(store, app, addresses, holders)


def may_lead(store: Store, site: Site, colour: str) -> bool:
    """Return whether the edge may lead to what a colour holds: it is live, it was, or a switch to it has begun."""
    record = store.releases.readable(site.slot(colour).release)
    return record is not None and (colour in (site.live, site.map_file) or record.state in LIVE_ONCE)


def _routes_of(
    store: Store, app: str, addresses: Sequence[HeldRoute], holders: Mapping[str, str | None]
) -> dict[str, ColourRoutes]:
    """Return what each colour has behind the edge where it leads to these releases."""
    return {
        colour: ColourRoutes(App(app), ((),) * len(addresses))
        if release is None
        else ColourRoutes(
            store.releases.settings(release, app),
            _leads(store, addresses, release),
            _has_reserved_names(store, app, release, colour),
        )
        for colour, release in holders.items()
    }


def _has_reserved_names(store: Store, app: str, release: str, colour: str) -> bool:
    """Return whether a release's services answer to their reserved names in a colour: older ones do not.

    Where its document is gone or damaged, they are asked for by the names that all have.
    """
    try:
        services = store.releases.document(release, colour).services
    except DamagedFile:
        return False
    return all(
        route.service in services and names.alias(route.service, colour, app) in services[route.service].aliases
        for route in store.releases.routes(release)
    )


def held_addresses(store: Store, release: str) -> Sequence[HeldRoute]:
    """Return the addresses that the edge holds, in their order.

    Without an edge, return those of the release: the edge will be created with them.
    """
    addresses = store.held_addresses()
    if addresses is not None:
        return addresses
    return held_routes.held_for(store.releases.routes(release), store.releases.number(release))


def reached_routes(store: Store, release: str) -> list[tuple[HeldRoute, Route]]:
    """Return the routes of a release that the edge has an address for, each with the address."""
    addresses = held_addresses(store, release)
    pairs = zip(addresses, _leads(store, addresses, release), strict=True)
    return [(address, route) for address, routes in pairs for route in routes]


def unreached_routes(store: Store, release: str) -> list[Route]:
    """Return the routes of a release that no address of the edge leads to."""
    reached = [route for _, route in reached_routes(store, release)]
    return [route for route in store.releases.routes(release) if route not in reached]


def _leads(store: Store, addresses: Sequence[HeldRoute], release: str) -> tuple[tuple[Route, ...], ...]:
    return held_routes.leads(addresses, store.releases.routes(release), store.releases.number(release))


def applied_addresses(store: Store, release: str, site: Site) -> tuple[HeldRoute, ...]:
    """Return the addresses of an edge that is recreated for a release."""
    releases, live = store.releases, site.slot(site.live).release or ""
    releases.record(live)  # raises where it is damaged: nobody knows which addresses it needs
    new = held_routes.held_for(releases.routes(release), releases.number(release))
    return held_routes.applied(store.held_addresses() or (), new, releases.routes(live), releases.number(live))


def live_routes(store: Store, release: str | None) -> tuple[Route, ...]:
    """Return the routes of the live release at the addresses where the edge holds them."""
    pairs = reached_routes(store, release) if release is not None else []
    return tuple(replace(route, listen=address.listen, address=address.address) for address, route in pairs)
