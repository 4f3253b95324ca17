"""Which route takes a request: every set of routes that differ by name and path, and every kind of request."""

from __future__ import annotations

import itertools

import pytest

from switchyard.core import edge
from switchyard.core.app import App, Check, Route
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.edge_names import refusals
from switchyard.core.errors import BadInput
from switchyard.core.held_routes import held_for, leads
from switchyard.core.route_names import in_order, page, sample_name, taker
from tests.harness.route_names import REQUESTS, ROUTES, route


def expected(routes: tuple[Route, ...], name: str, path: str) -> Route | None:
    """Return the route that wins, by the words of the rule: exact, wildcard, none; and there the longest path."""
    wildcard = "*." + name.split(".", 1)[1] if "." in name else None
    for host in (name, wildcard, ""):
        segments = path.split("?")[0].split("/")
        for count in range(len(segments), 0, -1):
            for each in routes:
                if host is not None and each.host == host and each.path == "/".join(segments[:count]).rstrip("/"):
                    return each
    return None


SETS = [each for size in range(len(ROUTES) + 1) for each in itertools.combinations(ROUTES, size)]


def test_of_every_set_of_routes_the_most_exact_one_takes_a_request():
    wins = dict.fromkeys(ROUTES, 0)
    for routes in SETS:
        for name, path in REQUESTS:
            found = taker(routes, name, path)
            assert found == expected(routes, name, path), (routes, name, path)
            if found is not None:
                wins[found] += 1
    assert all(wins.values()), "each of them wins somewhere"


def test_the_order_says_the_same_however_the_routes_are_written():
    order = in_order(ROUTES)
    assert [(each.host, each.path) for each in order] == [
        (host, path) for host in ("a.example.com", "*.example.com", "") for path in ("/api/v1", "/api", "")
    ]
    assert all(in_order(each) == order for each in (ROUTES[::-1], ROUTES[4:] + ROUTES[:4]))


def test_a_wildcard_stands_for_one_label():
    wild = route("*.example.com")
    assert taker([wild], "x.example.com", "/") == wild
    assert {taker([wild], name, "/") for name in ("example.com", "x.y.example.com", "xexample.com", "")} == {None}
    assert taker([wild], sample_name(wild), "/") == wild


@pytest.mark.parametrize(
    ("check", "others", "asked"),
    [
        ("/health", [], "/health"),
        ("/api", [route("", "/api")], "/"),
        ("/api?deep=1", [route("", "/api")], "/"),
        ("/api", [route("a.example.com", "/api")], "/api"),
    ],
)
def test_a_look_asks_the_path_of_the_check_where_the_route_itself_takes_it(check, others, asked):
    own = Route("web", 80, 80)
    app = App("shop", checks={"web": Check(80, check)})
    assert page(app, own, [own, *others]).path == asked


def test_a_look_at_a_route_with_a_path_stays_below_it():
    app = App("shop", checks={"web": Check(80, "/health")})
    assert page(app, Route("web", 80, 80, path="/shop"), []).path == "/shop"
    assert page(app, Route("web", 80, 80, path="/health"), []).path == "/health"


def lines_of(blue: tuple[Route, ...], green: tuple[Route, ...], section: str = "frontend 0.0.0.0:80") -> list[str]:
    """Return the lines of a section of an edge that was made for blue."""
    held = held_for(blue, 1)
    colours = {
        colour: ColourRoutes(App("shop"), leads(held, routes, number))
        for number, (colour, routes) in enumerate({"blue": blue, "green": green}.items(), 1)
    }
    sections = edge.configuration(held, colours, Place(asks_nobody=True)).split("\n\n")
    (found,) = [each for each in sections if each.startswith(f"{section}\n")]
    return [line.strip() for line in found.splitlines()]


def test_each_colour_has_the_names_of_its_own_release():
    other = Route("web", 80, 80, host="b.example.com", path="/api")
    lines = lines_of((route("a.example.com"), route("*.example.com")), (other,))
    assert (
        "http-request set-var(txn.green) str(web-80) if { var(txn.name) -m str b.example.com } "
        "{ var(txn.path) -m beg /api/ }"
    ) in lines
    assert not any("a.example.com" in line and "green" in line for line in lines)
    assert lines[-2:] == [
        "use_backend unknown_name if live_green !known_green",
        "use_backend unknown_path if live_green",
    ]


def test_an_unknown_name_is_told_from_an_unknown_path():
    named = list(refusals([route("a.example.com", "/api")], "blue"))
    assert [line.split()[1] for line in named if "use_backend" in line] == ["unknown_name", "unknown_path"]
    pathed = list(refusals([route("a.example.com"), route("", "/api")], "blue"))
    assert [line.split()[1] for line in pathed] == ["unknown_path"], "a route without a name takes every name"


def test_a_cookie_is_that_of_the_address_and_only_a_route_with_affinity_follows_it():
    own = Route("web", 80, 80, affinity=True, host="a.example.com")
    lines = lines_of((own, route("", "/api")), (own,))
    assert any(line.startswith("http-response add-header Set-Cookie switchyard-0.0.0.0-80=blue:") for line in lines)
    held = [line for line in lines if "draining" in line and line.startswith("use_backend")]
    assert held == [
        f"use_backend web-80_{colour} if draining from_{colour} to_web-80_{colour} web-80_{colour}_up !loads_page"
        for colour in ("blue", "green")
    ]


def test_a_preview_leads_by_name_where_an_address_has_several_services():
    both = (route("a.example.com"), route(""))
    lines = lines_of(both, both, "frontend preview_0.0.0.0:80_blue")
    assert any(line.startswith("use_backend") and line.endswith("_blue") for line in lines)
    assert lines[-1] == f"default_backend {both[1].name}_blue"
    alone = lines_of((both[0],), (both[0],), "frontend preview_0.0.0.0:80_blue")
    assert not any("use_backend" in line for line in alone), "a smoke needs no name"
    assert alone[-1] == f"default_backend {both[0].name}_blue"


def test_names_in_one_colour_and_unread_bytes_in_the_other_are_refused():
    with pytest.raises(BadInput, match="another listen under"):
        lines_of((route("a.example.com"),), (Route("db", 5432, 80, mode="tcp"),))


def test_an_address_is_held_once_for_the_route_that_takes_the_most():
    held = held_for(ROUTES, 3)
    assert [(each.name, each.host, each.path) for each in held] == [(route("").name, "", "")]
