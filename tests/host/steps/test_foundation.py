"""Networks, volumes and folders: created where they lack, left alone where they are."""

from __future__ import annotations

import os
import stat
from dataclasses import replace

import pytest

from switchyard.core.app import App
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.adapters.files import write_json
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


def test_a_folder_for_state_has_the_same_mode_whoever_creates_it(new_store, created):
    before = os.umask(0o077)
    try:
        lay_foundation(new_store, NEEDED)
    finally:
        os.umask(before)
    assert stat.S_IMODE((new_store.data / "uploads").stat().st_mode) == 0o755


def test_nothing_empty_stands_in_for_state_that_a_release_ran_with(new_store, created):
    for need, words in (
        (
            {"volumes": ("shop_db",)},
            "volume shop_db is gone, and R0 ran with it.*create --label switchyard.app=shop shop_db",
        ),
        ({"data": ("uploads",)}, "the folder .*data/uploads is gone, and R0 ran with it.*mkdir"),
    ):
        earlier = replace(RECORD, id="R0", since=1.0, **need)
        new_store.releases.write(earlier)
        with pytest.raises(Refused, match=words):
            lay_foundation(new_store, NEEDED)
        new_store.releases.write(replace(earlier, since=None))
    assert created == ["shop-green"] * 2
    lay_foundation(new_store, NEEDED)


@pytest.mark.parametrize(
    "app,volumes",
    [
        ({"volumes": {"db": "shop_db"}}, {}),
        ({}, {"db": {"name": "shop_db", "external": True}}),
        ({}, {"shop_db": {"external": True}}),
    ],
)
def test_an_external_volume_that_is_not_there_is_never_created(new_store, created, app, volumes):
    write_json(new_store.release("R1") / "compose.json", {"volumes": volumes})
    with pytest.raises(Refused, match="volume shop_db is external, and this host has none"):
        lay_foundation(new_store, replace(NEEDED, app=App("shop", **app)))


def test_an_engine_without_a_free_range_of_addresses_is_named_with_what_to_do(new_store, created, monkeypatch):
    monkeypatch.setattr(engine, "create_network", lambda name, app: False)
    with pytest.raises(SwitchyardError, match=r"network shop-green.*Remove networks that nothing uses"):
        lay_foundation(new_store, NEEDED)
