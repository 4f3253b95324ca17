"""The ledger records what is used and was not created, once, and what the operator allows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from switchyard.core.errors import Refused
from switchyard.core.wire.adopted import Adopted, AdoptedImage
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine
from switchyard.host.adapters.engine import Origin
from switchyard.host.adapters.files import DamagedFile
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD, record

ONE, TWO = ("sha256:" + digit * 64 for digit in "12")
MAY, JUNE = "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"
SHOP = Request("deploy", "shop", "~/apps/shop", host="prod")
LIVE = replace(
    RECORD, state="good", since=2.0, volumes=("pgdata",), pulls={"tool": "tool:1"}, images={"tool": ONE, "web": TWO}
)


@pytest.fixture
def here(monkeypatch):
    """What the engine has: volumes and images by their names."""
    known = {"volume": {}, "image": {}}
    monkeypatch.setattr(engine, "volume_origin", lambda name: known["volume"].get(name))
    monkeypatch.setattr(engine, "image_origin", lambda name: known["image"].get(name))
    monkeypatch.setattr(engine, "image_id", lambda name: getattr(known["image"].get(name), "id", None))
    monkeypatch.setattr(engine, "containers", lambda *labels: [])
    return known


def adopted(store) -> Adopted:
    return Adopted.decode(json.loads((store.root / "adopted.json").read_text()))


def test_the_first_deploy_records_what_its_plan_names(store, here):
    here["volume"] = {"pgdata": Origin("", MAY), "own": Origin("shop", MAY)}
    here["image"] = {"tool:1": Origin("", MAY, ONE), ONE: Origin("", MAY, ONE)}
    names = ["pgdata", "own", "absent"]
    (note,) = store.ledger.notes(names)
    assert f"volume pgdata of {MAY}" in note and store.ledger.reasons(SHOP, names) == []
    assert store.ledger.image_reason(SHOP, "tool:1") == ""
    store.ledger.adopt(names)
    store.ledger.take_image(SHOP, "tool:1", ONE)
    assert adopted(store) == Adopted({"pgdata": MAY}, {"docker.io/library/tool:1": AdoptedImage(ONE, MAY)})
    assert store.ledger.notes(names) == []


def test_an_image_that_is_only_run_by_its_id_leaves_the_record_of_its_name(store, here):
    here["image"] = {"tool:1": Origin("", JUNE, TWO), ONE: Origin("", MAY, ONE)}
    store.ledger.take_image(SHOP, "tool:1", ONE)
    assert not (store.root / "adopted.json").exists()


def test_on_a_host_of_an_older_version_what_its_releases_use_is_recorded_once(store, here, monkeypatch):
    older = replace(record(2), since=1.0, volumes=("older",))
    store.releases.write(LIVE)
    store.releases.write(older)
    store.releases.write(replace(record(3), volumes=("never",)))
    edge = {**listed("e", kind="edge"), "ImageID": TWO}
    monkeypatch.setattr(engine, "containers", lambda *labels: [engine.Container.decode(edge)])
    here["volume"] = {name: Origin("", MAY) for name in ("pgdata", "older", "never")}
    here["image"] = {image: Origin("", MAY, image) for image in (ONE, TWO)}
    store.ledger.adopt()
    images = {
        "docker.io/library/tool:1": AdoptedImage(ONE, MAY),
        "docker.io/library/haproxy:3.0": AdoptedImage(TWO, MAY),
    }
    assert adopted(store) == Adopted({"pgdata": MAY, "older": MAY}, images)
    here["volume"]["pgdata"] = Origin("", JUNE)
    store.ledger.adopt()
    assert adopted(store).volumes["pgdata"] == MAY


def test_a_file_of_an_earlier_version_gains_the_images_and_keeps_its_volumes(store, here):
    (store.root / "adopted.json").write_text('{"v": 1, "volumes": {"media": "then"}}')
    store.releases.write(LIVE)
    here["volume"], here["image"] = {"pgdata": Origin("", MAY)}, {ONE: Origin("", MAY, ONE)}
    store.ledger.adopt()
    assert adopted(store) == Adopted({"media": "then"}, {"docker.io/library/tool:1": AdoptedImage(ONE, MAY)})


def test_a_name_with_a_digest_needs_no_record_but_no_label_of_another(store, here):
    store.releases.write(LIVE)
    name = "tool@sha256:" + "a" * 64
    here["image"] = {name: Origin("", MAY, TWO)}
    assert store.ledger.image_reason(SHOP, name) == ""
    here["image"] = {name: Origin("blog", MAY, TWO)}
    assert "belongs to the application blog" in store.ledger.image_reason(SHOP, name)


def test_the_operator_allows_objects_as_they_are_now_and_takes_that_back(store, here):
    store.releases.write(LIVE)
    here["volume"], here["image"] = {"media": Origin("", MAY)}, {"tool:1": Origin("", MAY, TWO)}
    asked = replace(SHOP, verb="allow", adopt=("volume:media", "image:tool:1"))
    assert store.ledger.accept(asked) and not store.ledger.accept(asked)
    assert store.ledger.reasons(SHOP, ["media"]) == [] and store.ledger.image_reason(SHOP, "tool:1") == ""
    assert store.ledger.accept(replace(asked, take_back=True))
    assert "neither did Switchyard" in store.ledger.reasons(SHOP, ["media"])[0]
    with pytest.raises(Refused, match="this host has no volume absent"):
        store.ledger.accept(replace(asked, adopt=("volume:absent",)))


def test_a_damaged_ledger_stops_nothing_that_needs_none(store, here):
    (store.root / "adopted.json").write_text("{")
    here["volume"] = {"own": Origin("shop", MAY), "media": Origin("", MAY)}
    assert store.ledger.reasons(SHOP, ["own", "absent"]) == []
    with pytest.raises(DamagedFile, match=r"adopted\.json"):
        store.ledger.reasons(SHOP, ["media"])


def test_a_damaged_record_may_be_one_of_a_release_that_was_live(store, here):
    store.releases.write(record(1))
    (store.release("R1") / "release.json").write_text("{")
    here["volume"] = {"media": Origin("", MAY)}
    assert "neither did Switchyard" in store.ledger.reasons(SHOP, ["media"])[0]
