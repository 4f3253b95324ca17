"""What else Switchyard keeps of an application: scales, digests, and the edge's addresses."""

from __future__ import annotations

import pytest

from switchyard.core.held_routes import HeldRoute
from switchyard.host.adapters.files import DamagedFile, write_json
from switchyard.host.adapters.store import Store


def test_scales_are_written_and_read_and_none_at_first(store):
    assert store.scales() == {}
    store.set_scales({"web": 3})
    assert store.scales() == {"web": 3}
    (store.root / "scale.json").write_text('{"web": "three"}')
    with pytest.raises(DamagedFile, match=r"scale\.json is damaged: expected whole numbers"):
        store.scales()


def test_a_digest_is_the_same_here_and_another_elsewhere(store, tmp_path):
    other = Store(tmp_path / "other")
    other.prepare()
    assert store.digest("env") == store.digest("env") != other.digest("env")
    assert "env" not in store.digest("env") and store.digest("env") != store.digest("env2")


def test_the_edge_s_routes_come_in_the_order_in_which_they_were_published(store):
    assert store.held_addresses() is None
    routes = (HeldRoute("web", 80, 8080, number=3), HeldRoute("api", 90, 9090, mode="tcp"))
    write_json(store.edge / "routes.json", [route.encode() for route in routes])
    assert store.held_addresses() == routes


def test_a_preview_without_a_port_is_an_error_that_names_the_file(store):
    write_json(store.edge / "previews.json", {"8080_blue": 20001})
    address = HeldRoute("web", 80, 8080, "")
    assert store.preview_port(address, "blue") == 20001
    with pytest.raises(DamagedFile, match=r"previews\.json is damaged: it lacks the preview 8080_green"):
        store.preview_port(address, "green")
