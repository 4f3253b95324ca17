"""Networks, volumes and folders: created where they lack, left alone where they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.steps.foundation import lay_foundation
from tests.harness.release_record import RECORD

NEEDED = replace(RECORD, volumes=("shop_db", "shop_old"), data=("uploads",))


@pytest.fixture
def created(monkeypatch) -> list[str]:
    """What the engine creates; it has a network and a volume already."""
    names: list[str] = []
    monkeypatch.setattr(engine, "has_network", lambda name: name == "shop-blue")
    monkeypatch.setattr(engine, "create_network", lambda name, app: not names.append(name))
    monkeypatch.setattr(engine, "has_volume", lambda name: name == "shop_old")
    monkeypatch.setattr(engine, "create_volume", lambda name, app: names.append(name))
    return names


def test_only_what_lacks_is_created(new_store, created):
    lay_foundation(new_store, NEEDED)
    assert created == ["shop-green", "shop_db"] and (new_store.data / "uploads").is_dir()


def test_an_engine_without_a_free_range_of_addresses_is_named_with_what_to_do(new_store, created, monkeypatch):
    monkeypatch.setattr(engine, "create_network", lambda name, app: False)
    with pytest.raises(SwitchyardError, match=r"network shop-green.*Remove networks that nothing uses"):
        lay_foundation(new_store, NEEDED)
