"""The public addresses that an edge holds, and where each leads in a release.

An edge's container is created with its addresses, so they outlive releases. A release's route leads to a service of
that release, whatever the address led to before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from switchyard.core.app import Route
from switchyard.core.wire.message import key, message

EVERY_IPV4 = frozenset({"", "0.0.0.0"})
"""Two spellings of one identity: older versions published every address as IPv4 alone."""


@message(frozen=True)
class HeldRoute(Route):
    """An address that the edge holds, with the route that it was published for."""

    number: int | None = field(default=None, metadata=key(omitted=True))
    """The number of the release that it was published for; null where an older Switchyard published it."""


def held_for(routes: Iterable[Route], number: int) -> tuple[HeldRoute, ...]:
    """Return the addresses of a release's routes as a new edge holds them."""
    return tuple(
        HeldRoute(route.service, route.port, route.listen, route.address, route.mode, route.affinity, number)
        for route in routes
    )


def is_same(one: Route, another: Route) -> bool:
    """Return whether two routes have one public address."""
    both = {one.address, another.address}
    return one.listen == another.listen and (len(both) == 1 or both == EVERY_IPV4)


def overlap(one: Route, another: Route) -> bool:
    """Return whether one connection could be for either of two routes."""
    return one.listen == another.listen and (
        _covers(one.address, another.address) or _covers(another.address, one.address)
    )


def _covers(address: str, another: str) -> bool:
    """Return whether a connection to another address is one to this address too."""
    family = {"0.0.0.0": "." in another, "::": ":" in another}
    return address in ("", another) or family.get(address, False)


def leads(addresses: Sequence[HeldRoute], routes: Sequence[Route], number: int) -> tuple[Route | None, ...]:
    """Return the route of a release that each address of the edge leads to; None where the release closes it.

    That is the route at that address, or at one that overlaps it. An address that was published for a later release
    leads to the service and port that it was published for, so that users who follow the new address find the older
    release too.
    """
    exact = [next((route for route in routes if is_same(route, address)), None) for address in addresses]
    rest = [route for route in routes if route not in exact]
    near = [next((route for route in rest if overlap(route, address)), None) for address in addresses]
    named = [_published_later(address, routes, rest, number) for address in addresses]
    return tuple(first or second or third for first, second, third in zip(exact, near, named, strict=True))


def _published_later(address: HeldRoute, routes: Sequence[Route], rest: Sequence[Route], number: int) -> Route | None:
    """Return the route to the service and port that an address was published for after this release.

    Of an address of an older Switchyard nobody knows when that was: only a route that has no address may use it.
    """
    if address.number is None:
        routes = rest
    elif number >= address.number:
        return None
    return next((route for route in routes if route.name == address.name), None)


def not_held(addresses: Sequence[Route], routes: Iterable[Route]) -> list[Route]:
    """Return the routes whose public addresses the edge does not hold."""
    return [route for route in routes if not any(is_same(route, address) for address in addresses)]


def describe_not_held(routes: Iterable[Route], host: str) -> str:
    """Return why a release with these routes cannot go live now, and what to do."""
    named = ", ".join(f"{route.public} (for {route.service}:{route.port})" for route in routes)
    return (
        f"the edge does not hold {named}: its container would have to be recreated, which interrupts every route "
        f"for about a second. Do that with inv edge.apply --host {host}: what is live answers on afterwards"
    )


def applied(
    addresses: Sequence[HeldRoute], targets: Sequence[HeldRoute], live: Sequence[Route], number: int
) -> tuple[HeldRoute, ...]:
    """Return the addresses of an edge that is recreated for a wanted release while another is live.

    They are those of the wanted one, and those where the live one, which has this ``number``, answers now.
    """
    known = {(address.address, address.listen): address for address in addresses}
    after = [known.get((address.address, address.listen), address) for address in targets]
    for address, route in zip(addresses, leads(addresses, live, number), strict=True):
        is_own = route is not None and (overlap(route, address) or not any(overlap(route, each) for each in addresses))
        if is_own and not any(overlap(address, each) for each in after):
            after.append(address)
    return tuple(after)
