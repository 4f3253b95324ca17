"""The routes of a release: from the settings, or from the published ports."""

from __future__ import annotations

import pytest

from switchyard.core.app import App, RouteEntry
from switchyard.core.compose_document import Document
from switchyard.core.kinds import ServiceKind
from switchyard.core.split.inputs import Inputs
from switchyard.core.split.routes import routes_of
from tests.harness.shop_documents import WEB, problems, split_shop, split_web


def test_routes_are_the_published_ports():
    routes = [(route.service, route.port, route.listen, route.address) for route in split_shop().routes]
    assert routes == [("api", 8000, 8000, "127.0.0.1"), ("web", 80, 8080, "")]


@pytest.mark.parametrize("key", ["tls", "host", "path"])
def test_what_a_route_cannot_do_yet_is_refused_by_name(key):
    route = RouteEntry.decode({"service": "web", "port": 80, key: "x"})
    assert f"app.routes: web: {key} is not handled yet" in problems(routes=(route,))


def test_a_published_port_that_no_route_holds_is_noted():
    ports = [*WEB["ports"], {"target": 81, "published": "81"}]
    parts = split_web({"ports": ports}, routes=(RouteEntry("web", 80),))
    assert any("81" in note for note in parts.notes)


@pytest.mark.parametrize(
    "first,second,collide",
    [("0.0.0.0", "127.0.0.1", True), ("127.0.0.1", "127.0.0.1", True), ("127.0.0.1", "127.0.0.2", False)],
)
def test_two_routes_collide_where_one_connection_could_be_for_either(first, second, collide):
    ports = [{"target": target, "published": "80", "host_ip": ip} for target, ip in ((80, first), (81, second))]
    document = Document.decode({"services": {"web": {"image": "x", "ports": ports}}})
    kinds = {"web": ServiceKind("routed", "")}
    routes = routes_of(Inputs(document, kinds, App("shop"), "R", "/r", frozenset(), "."))
    assert [route.address for route in routes.routes] == [first, second]
    assert bool(routes.problems) is collide
