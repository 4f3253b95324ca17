"""The routes of the edge: its own addresses, each leading where the release of a colour says."""

from __future__ import annotations

from dataclasses import replace

from switchyard.core.app import Route
from switchyard.core.held_routes import HeldRoute
from switchyard.core.site import Site, Slot
from switchyard.host import edge_configuration as module
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from tests.harness.release_record import RECORD

WEB, OLD = Route("web", 80, 8080), Route("old", 90, 9090)


def test_without_an_edge_a_release_will_have_its_own_addresses(tmp_path):
    store = Store(tmp_path)
    store.releases.write(replace(RECORD, routes=(WEB, OLD)))
    assert [route.public for route in module.held_addresses(store, "R1")] == ["0.0.0.0:8080", "0.0.0.0:9090"]
    assert module.unreached_routes(store, "R1") == []


def test_each_colour_has_the_routes_of_its_own_release_at_the_addresses_that_the_edge_holds(tmp_path):
    store = Store(tmp_path)
    store.releases.write(replace(RECORD, routes=(WEB, OLD)))
    store.releases.write(replace(RECORD, id="R2", number=2, routes=(Route("app", 81, 8080),)))
    write_json(store.edge / "routes.json", [HeldRoute("web", 80, 8080, number=1).encode()])
    colours = module.colour_routes(store, "shop", "R2", Site(blue=Slot("R1"), proxy="blue"))
    assert colours["blue"].routes == ((WEB,),) and colours["green"].routes == ((Route("app", 81, 8080),),)
    backends = module.wanted(store, "shop", "R2", Site(blue=Slot("R1"), proxy="blue")).backends
    assert backends == {"web-80_blue", "app-81_green"}
    assert module.unreached_routes(store, "R1") == [OLD]
    assert module.live_routes(store, "R1") == (WEB,) and module.live_routes(store, None) == ()


def test_the_edge_of_an_older_version_is_read(tmp_path):
    store = Store(tmp_path)
    write_json(store.edge / "routes.json", [WEB.encode()])
    write_json(store.edge / "previews.json", {"web-80_blue": 20001, "0.0.0.0:8080_green": 20002})
    (address,) = store.held_addresses()
    assert address.number is None and address.public == "0.0.0.0:8080"
    assert (store.preview_port(address, "blue"), store.preview_port(address, "green")) == (20001, 20002)


def test_a_recreated_edge_holds_the_wanted_addresses_and_those_of_what_is_live(tmp_path):
    store = Store(tmp_path)
    store.releases.write(replace(RECORD, routes=(WEB,)))
    store.releases.write(replace(RECORD, id="R2", number=2, routes=(replace(WEB, listen=8081),)))
    write_json(store.edge / "routes.json", [HeldRoute("web", 80, 8080, number=1).encode()])
    after = module.applied_addresses(store, "R2", Site(blue=Slot("R1"), proxy="blue"))
    assert [(address.public, address.number) for address in after] == [("0.0.0.0:8081", 2), ("0.0.0.0:8080", 1)]


def test_a_colour_with_what_failed_or_was_never_proven_has_the_routes_of_what_is_live(tmp_path):
    store = Store(tmp_path)
    store.releases.write(replace(RECORD, routes=(WEB,), state="good"))
    store.releases.write(replace(RECORD, id="R2", number=2, routes=(Route("app", 81, 8080),), state="failed"))
    held = (HeldRoute("web", 80, 8080, number=1),)
    write_json(store.edge / "routes.json", [address.encode() for address in held])
    site = Site(blue=Slot("R1"), green=Slot("R2"), proxy="blue", map_file="blue")
    live = module.settled_routes(store, "shop", held, site)
    assert live["blue"].routes == live["green"].routes == ((WEB,),)
    assert module.colour_routes(store, "shop", "R1", site)["green"].routes == ((WEB,),)
    assert module.colour_routes(store, "shop", "R2", site)["green"].routes == ((Route("app", 81, 8080),),)
    for proven in (replace(site, map_file="green"), replace(site, proxy="green")):
        assert module.settled_routes(store, "shop", held, proven)["green"].routes == ((Route("app", 81, 8080),),)
    store.releases.update("R2", state="good")
    assert module.settled_routes(store, "shop", held, site)["green"].routes == ((Route("app", 81, 8080),),)


def test_while_nothing_is_live_the_edge_leads_nowhere(tmp_path):
    store, held = Store(tmp_path), (HeldRoute("web", 80, 8080, number=1),)
    store.releases.write(replace(RECORD, routes=(WEB,), state="failed"))
    routes = module.settled_routes(store, "shop", held, Site(green=Slot("R1"), proxy="none"))
    assert [each.routes for each in routes.values()] == [((),), ((),)]


def with_documents(store: Store, release: str, *aliases: str) -> Store:
    """Write a release with a route to ``web`` whose containers answer to these names."""
    store.releases.write(replace(RECORD, id=release, routes=(WEB,), state="good"))
    document = {"services": {"web": {"networks": {"default": {"aliases": ["web", *aliases]}}}}}
    for colour in ("blue", "green"):
        write_json(store.releases_folder / release / f"{colour}.json", document)
    return store


def test_each_colour_has_reserved_names_where_its_release_s_own_document_has_them(tmp_path):
    store = with_documents(Store(tmp_path), "R1", "web-blue")
    with_documents(store, "R2", "web-green", "web.green.shop.switchyard")
    site = Site(blue=Slot("R1"), green=Slot("R2"), proxy="blue", map_file="blue")
    colours = module.colour_routes(store, "shop", "R2", site)
    assert not colours["blue"].has_reserved_names and colours["green"].has_reserved_names
    path = store.releases_folder / "R2" / "green.json"
    for content in ("{", '{"services": {}}'):
        path.write_text(content)
        assert not module.colour_routes(store, "shop", "R2", site)["green"].has_reserved_names


def test_an_edge_stands_on_both_colours_networks_and_asks_whom_its_document_says(tmp_path, fake_engine):
    ranges = [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}, {"Subnet": "fd00::/64", "Gateway": "fd00::1/64"}]
    fake_engine.know("/networks/shop-blue", {"IPAM": {"Config": ranges}})
    fake_engine.know("/networks/shop-green", {"IPAM": {"Config": [{"Subnet": "172.19.0.0/16"}]}})
    path = tmp_path / "compose.json"
    write_json(path, {"services": {"edge": {"dns": ["127.255.255.254"]}}})
    found = module.place("shop", path)
    assert found.asks_nobody and module.asks_nobody(path)
    assert found.subnets == [
        ("172.18.0.0/16", "172.18.0.1"),
        ("fd00::/64", "fd00::1"),
        ("172.19.0.0/16", ""),
    ]
    for edge in ({"dns": ["10.0.0.1"]}, {"dns": 1}, {}, 1):
        write_json(path, {"services": {"edge": edge}})
        assert not module.place("shop", path).asks_nobody
    path.write_text("{")
    assert not module.asks_nobody(path) and not module.asks_nobody(tmp_path / "none")
