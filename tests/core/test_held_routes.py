"""Where the addresses of an edge lead, and which it holds after it is recreated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.app import Route
from switchyard.core.held_routes import applied, held_for, is_same, leads, not_held, overlap

WEB, API = Route("web", 8000, 80), Route("api", 9000, 81)
FIRST = held_for((WEB, API), 1)


def at(route: Route, listen: int, address: str = "0.0.0.0") -> Route:
    return replace(route, listen=listen, address=address)


def names_of(routes: tuple[tuple[Route, ...], ...]) -> list[str | None]:
    """Return what each address leads to: one service and port, or nothing."""
    assert all(len(each) < 2 for each in routes)
    return [each[0].name if each else None for each in routes]


@pytest.mark.parametrize(
    ("one", "another", "same", "overlaps"),
    [
        ("", "", True, True),
        ("", "0.0.0.0", True, True),
        ("", "::", False, True),
        ("", "127.0.0.1", False, True),
        ("", "::1", False, True),
        ("0.0.0.0", "127.0.0.1", False, True),
        ("0.0.0.0", "::", False, False),
        ("0.0.0.0", "::1", False, False),
        ("::", "::1", False, True),
        ("::", "127.0.0.1", False, False),
        ("::1", "127.0.0.1", False, False),
        ("127.0.0.1", "127.0.0.2", False, False),
        ("127.0.0.1", "127.0.0.1", True, True),
    ],
)
def test_addresses_are_the_same_or_overlap_whichever_comes_first(one: str, another: str, same: bool, overlaps: bool):
    for first, second in ((one, another), (another, one)):
        assert is_same(at(WEB, 80, first), at(API, 80, second)) is same
        assert overlap(at(WEB, 80, first), at(API, 80, second)) is overlaps
        assert not is_same(at(WEB, 80, first), at(API, 81, second)) and not overlap(at(WEB, 80), at(API, 81))


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ((WEB, API), ["web-8000", "api-9000"]),
        ((at(API, 80), at(WEB, 81)), ["api-9000", "web-8000"]),
        ((replace(WEB, port=8001), replace(API, service="bureau")), ["web-8001", "bureau-9000"]),
        ((WEB,), ["web-8000", None]),
        ((WEB, at(WEB, 81)), ["web-8000", "web-8000"]),
        ((at(WEB, 80, ""),), ["web-8000", None]),
        ((at(WEB, 80, "127.0.0.1"),), ["web-8000", None]),
        ((at(WEB, 82), API), [None, "api-9000"]),
        ((), [None, None]),
    ],
)
def test_an_address_leads_where_the_release_says(routes: tuple[Route, ...], expected: list[str | None]):
    assert names_of(leads(FIRST, routes, 2)) == expected


def test_an_address_that_is_newer_than_a_release_leads_to_the_service_and_port_that_it_was_published_for():
    addresses = (*FIRST, *held_for((at(WEB, 8080), at(Route("new", 1, 0), 8081)), 5))
    assert names_of(leads(addresses, (WEB, API), 4)) == [
        "web-8000",
        "api-9000",
        "web-8000",
        None,
    ]
    assert leads(addresses, (WEB, API), 5)[2] == (), "a newer release says itself where it is"


def test_of_an_address_of_an_older_version_only_a_route_without_an_address_makes_use():
    addresses = [replace(address, number=None) for address in held_for((at(WEB, 8080), API), 1)]
    assert leads(addresses, (WEB, API), 3) == ((WEB,), (API,))
    assert leads(addresses, (at(API, 8080),), 3) == ((at(API, 8080),), ())


def test_only_the_same_public_address_is_held():
    narrow, other = at(WEB, 80, "127.0.0.1"), at(WEB, 82)
    assert not_held(FIRST, (at(API, 80, ""), narrow, other)) == [narrow, other]


@pytest.mark.parametrize(
    ("wanted", "live", "expected"),
    [
        ((WEB, API), (WEB, API), ["0.0.0.0:80", "0.0.0.0:81"]),
        ((at(WEB, 8080), API), (WEB, API), ["0.0.0.0:8080", "0.0.0.0:81", "0.0.0.0:80"]),
        ((WEB,), (WEB, API), ["0.0.0.0:80", "0.0.0.0:81"]),
        ((WEB,), (WEB,), ["0.0.0.0:80"]),
        ((at(WEB, 80, "127.0.0.1"),), (WEB,), ["127.0.0.1:80"]),
        ((WEB, API), (), ["0.0.0.0:80", "0.0.0.0:81"]),
    ],
)
def test_a_recreated_edge_holds_what_is_wanted_and_where_the_live_release_answers(wanted, live, expected):
    after = applied(FIRST, held_for(wanted, 7), live, 2)
    assert [address.public for address in after] == expected
    answered = {route.name for routes in leads(after, live, 2) for route in routes}
    assert answered == {route.name for route in live}, "everything that is live answers afterwards"


def test_an_address_that_stays_remembers_which_release_it_was_published_for():
    after = applied(FIRST, held_for((WEB, at(API, 82)), 7), (WEB, API), 2)
    assert [(address.public, address.number) for address in after] == [
        ("0.0.0.0:80", 1),
        ("0.0.0.0:82", 7),
        ("0.0.0.0:81", 1),
    ]
    again = applied(after, held_for((WEB, at(API, 82)), 8), (WEB, API), 2)
    assert set(again) == set(after), "typed once more, it changes nothing"
    assert [address.public for address in applied(after, held_for((WEB, at(API, 82)), 9), (WEB, at(API, 82)), 8)] == [
        "0.0.0.0:80",
        "0.0.0.0:82",
    ], "once the release with the new address is live, the old one is freed"
