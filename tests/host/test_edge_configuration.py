"""The routes of the edge: its own addresses, with the options of the wanted release."""

from __future__ import annotations

from switchyard.core.app import Route
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from switchyard.host.edge_configuration import edge_routes, routes_without_address


def test_a_release_that_comes_back_has_its_own_options_at_the_addresses_that_the_edge_holds_now(tmp_path):
    store, routes = Store(tmp_path), (Route("web", 80, 8080, affinity=True), Route("old", 90, 9090))
    assert edge_routes(store, routes) == list(routes) and routes_without_address(store, routes) == []
    published = [Route("new", 70, 7070, mode="tcp"), Route("web", 80, 8081, address="127.0.0.1")]
    write_json(store.edge / "routes.json", [route.encode() for route in published])
    assert edge_routes(store, routes) == [
        published[0],
        Route("web", 80, 8081, address="127.0.0.1", affinity=True),
    ]
    assert routes_without_address(store, routes) == ["old:90"]
