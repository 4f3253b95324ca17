"""The public addresses that an edge holds, and where each leads in a release.

An edge's container is created with its addresses, so they outlive releases. A release's route leads to a service of
that release, whatever the address led to before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, replace

from switchyard.core.app import Route
from switchyard.core.route_names import in_order
from switchyard.core.wire.message import key, message

EVERY_IPV4 = frozenset({"", "0.0.0.0"})
"""Two spellings of one identity: older versions published every address as IPv4 alone."""


@message(frozen=True)
class HeldRoute(Route):
    """An address that the edge holds, with the route that it was published for."""

    number: int | None = field(default=None, metadata=key(omitted=True))
    """The number of the release that it was published for; null where an older Switchyard published it."""


def held_for(routes: Sequence[Route], number: int) -> tuple[HeldRoute, ...]:
    """Return the addresses of a release's routes as a new edge holds them, each for the route that takes the most."""
    addresses: list[HeldRoute] = []
    for route in routes:
        if not any(is_same(route, each) for each in addresses):
            most = in_order(each for each in routes if is_same(route, each))[-1]
            values = (most.service, most.port, most.listen, most.address, most.mode, most.affinity)
            addresses.append(HeldRoute(*values, tls=most.tls, number=number))
    return tuple(addresses)


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


def leads(addresses: Sequence[HeldRoute], routes: Sequence[Route], number: int) -> tuple[tuple[Route, ...], ...]:
    """Return the routes of a release that each address of the edge leads to; none where the release closes it.

    Those are the routes at that address, or at one that overlaps it. An address that was published for a later release
    leads to the service and port that it was published for, so that users who follow the new address find the older
    release too.
    """
    exact = [tuple(route for route in routes if is_same(route, address)) for address in addresses]
    rest = [route for route in routes if not any(route in each for each in exact)]
    near = [_at_the_first([route for route in rest if overlap(route, address)]) for address in addresses]
    named = [_published_later(address, routes, rest, number) for address in addresses]
    return tuple(first or second or third for first, second, third in zip(exact, near, named, strict=True))


def _at_the_first(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Return the routes at the address of the first one."""
    return tuple(route for route in routes if is_same(route, routes[0]))


def _published_later(
    address: HeldRoute, routes: Sequence[Route], rest: Sequence[Route], number: int
) -> tuple[Route, ...]:
    """Return the route to the service and port that an address was published for after this release.

    Of an address of an older Switchyard nobody knows when that was: only a route that has no address may use it.
    """
    if address.number is None:
        routes = rest
    elif number >= address.number:
        return ()
    leading = in_order(route for route in routes if route.name == address.name and not route.redirects)
    return tuple(replace(route, tls=address.tls) for route in leading[-1:])


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
    for address, routes in zip(addresses, leads(addresses, live, number), strict=True):
        is_own = any(overlap(route, address) or not any(overlap(route, each) for each in addresses) for route in routes)
        if is_own and not any(overlap(address, each) for each in after):
            after.append(address)
    return tuple(after)
