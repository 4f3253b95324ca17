"""The routes of a release: from the settings, or from the published ports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.app import App, RouteEntry, Tls
from switchyard.core.compose_document import Document
from switchyard.core.kinds import ServiceKind
from switchyard.core.split.inputs import Inputs
from switchyard.core.split.routes import Routes, routes_of
from tests.harness.shop_documents import split_shop, split_web


def test_routes_are_the_published_ports():
    routes = [(route.service, route.port, route.listen, route.address) for route in split_shop().routes]
    assert routes == [("api", 8000, 8000, "127.0.0.1"), ("web", 80, 8080, "")]


def entry(**more: str | bool) -> RouteEntry:
    return RouteEntry.decode({"service": "web", "port": 80, "listen": "80", **more})


def test_routes_at_one_address_differ_by_host_and_path():
    entries = (entry(), entry(host="shop.example.com"), entry(host="shop.example.com", path="/api"), entry(path="/api"))
    routes = split_web({}, routes=entries).routes
    assert [route.identity for route in routes] == [
        "80",
        "80 shop.example.com",
        "80 shop.example.com/api",
        "80 /api",
    ]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (entry(host="a.example"), replace(entry(host="a.example"), affinity=True), "listen 80 a.example is already"),
        (entry(host="a.example"), entry(host="b.example", listen="127.0.0.1:80"), "is already a route of web"),
        (entry(host="a.example"), replace(entry(mode="tcp"), port=81), "listen 80 is already a route of web"),
    ],
)
def test_what_the_edge_cannot_tell_apart_is_refused(first, second, words):
    assert words in refused(first, second)


@pytest.mark.parametrize("part", ["host", "path"])
@pytest.mark.parametrize("mode", [{"mode": "tcp"}, {"port": 5432}])
def test_a_route_that_is_passed_on_unread_has_no_name_and_no_path(part, mode):
    assert f"app.routes: web: {part}: port" in refused(RouteEntry.decode({**entry().encode(), part: "/a", **mode}))


def secured(*entries: RouteEntry, app: App | None = None) -> Routes:
    document = Document.decode({"services": {"web": {"image": "x"}}})
    app = replace(app or App("shop"), routes=entries)
    return routes_of(Inputs(document, {"web": ServiceKind("routed", "")}, app, "R", "/r", frozenset(), "."))


SHOP = entry(listen="443", host="shop.example", tls=True)


def test_port_80_of_an_address_leads_on_to_tls_once_for_each_name():
    routes = secured(SHOP, replace(SHOP, path="/api"), replace(SHOP, host="*.example")).routes
    assert [(route.identity, route.tls, route.redirects) for route in routes] == [
        ("443 shop.example", True, 0),
        ("443 shop.example/api", True, 0),
        ("443 *.example", True, 0),
        ("80 shop.example", False, 443),
        ("80 *.example", False, 443),
    ]


@pytest.mark.parametrize(
    ("more", "tls"),
    [
        ([entry(listen="80")], Tls()),
        ([entry(listen="127.0.0.1:80")], Tls()),
        ([], Tls(redirect=False)),
    ],
    ids=["another route holds port 80", "a part of it", "the settings switch it off"],
)
def test_nothing_leads_on_where(more, tls):
    found = secured(SHOP, *more, app=App("shop", tls=tls))
    assert not found.problems and not any(route.redirects for route in found.routes)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([replace(SHOP, host=None)], "tls: it needs a host"),
        ([SHOP, entry(listen="443", host="b.example")], "tls: 443 has other routes without tls"),
        ([replace(SHOP, mode="tcp")], "host: port 80 is passed on unread"),
    ],
)
def test_tls_that_cannot_be_is_refused(entries, words):
    assert words in "\n".join(secured(*entries).problems)


def refused(*entries: RouteEntry) -> str:
    return "\n".join(secured(*entries).problems)
