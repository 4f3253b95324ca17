"""The records of releases: numbered, changed, and kept whole by an older program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.app import App, Route
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.release import OneshotOutcome
from switchyard.host.adapters.files import DamagedFile, write_json
from switchyard.host.adapters.store import Store
from switchyard.host.rollback_target import choose_kept
from tests.harness.release_record import RECORD, record

GOLDEN = sorted((Path(__file__).resolve().parents[2] / "golden" / "formats" / "release").glob("*.json"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "root")
    made.prepare()
    return made


def test_numbers_only_rise_also_when_releases_go(store):
    assert store.releases.next_number() == 1
    for number in (1, 9):
        store.releases.write(record(number))
    assert [each.id for each in store.releases.records()] == ["R9", "R1"]
    assert store.releases.next_number() == 10
    for path in store.releases_folder.glob("*/release.json"):
        path.unlink()
    assert store.releases.next_number() == 11


def test_the_record_of_a_release_changes_and_one_that_somebody_deleted_is_not_begun_anew(store):
    store.releases.write(record(1, "live"))
    assert store.releases.update("R1", state="good").state == "good"
    assert store.releases.record("R1") == record(1, "good")
    assert store.releases.update("R2", state="bad") is None
    assert [each.id for each in store.releases.records()] == ["R1"] and not store.release("R2").exists()


def test_what_a_newer_minor_version_wrote_outlives_a_change(store):
    path = store.release("R1") / "release.json"
    write_json(path, {**record(1).encode(), "minor": 7, "weather": {"sun": True}})
    store.releases.update("R1", state="bad", reason="rolled back from")
    after = json.loads(path.read_text())
    assert (after["minor"], after["weather"], after["state"]) == (7, {"sun": True}, "bad")
    assert store.releases.record("R1").reason == "rolled back from"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_change_leaves_the_rest_of_a_golden_file_as_it_was(store, path):
    golden = json.loads(path.read_text())
    here = store.release(golden["id"]) / "release.json"
    write_json(here, golden)
    store.releases.update(golden["id"], outcomes={"migrate": OneshotOutcome(exit=0, seconds=1.5)})
    assert json.loads(here.read_text()) == {**golden, "outcomes": {"migrate": {"exit": 0, "seconds": 1.5}}}


@pytest.mark.parametrize("text", ["{torn", '{"v": 1, "id": "R1"}', '{"v": 2}'])
def test_a_damaged_record_is_an_error_that_names_its_file(store, text):
    store.releases.write(record(2))
    (store.release("R1")).mkdir()
    (store.release("R1") / "release.json").write_text(text)
    for look in (store.releases.records, lambda: store.releases.record("R1")):
        with pytest.raises(DamagedFile, match=r"R1/release\.json is damaged"):
            look()


def test_of_a_release_that_is_gone_the_defaults_and_an_error_where_it_is_needed(store):
    route = Route("web", 80, 8080)
    store.releases.write(replace(RECORD, app=App("shop", standby=5), routes=(route,)))
    assert store.releases.settings("R1", "shop").standby == 5 and store.releases.routes("R1") == (route,)
    assert store.releases.settings("R2", "shop") == App("shop") and store.releases.routes("R2", (route,)) == (route,)
    assert store.releases.record(None) is None and store.releases.record("") is None
    with pytest.raises(SwitchyardError, match="release R2 is gone from this host"):
        store.releases.require("R2")


@pytest.mark.parametrize("content", ["", '{"v": 1, "id"', "[]", '{"v": 1}', '{"v": 9}', "\x00\x00"])
def test_one_damaged_record_is_named_and_leaves_the_others_usable(store, content):
    for number in (1, 2, 3):
        store.releases.write(record(number, "good"))
    path = store.release("R2") / "release.json"
    path.write_text(content)
    (problem,) = store.releases.damaged().values()
    assert problem.startswith(f"{path} is damaged: ")
    assert [each.id for each in store.releases.readable_records()] == ["R3", "R1"]
    assert store.releases.names() == ["R1", "R2", "R3"] and store.releases.next_number() == 4
    assert store.releases.readable("R2") is None and store.releases.settings("R2", "shop") == App("shop")
    for strict in (store.releases.records, lambda: store.releases.record("R2")):
        with pytest.raises(DamagedFile):
            strict()
    live = LiveRelease("blue", "R3", 3, "3abc", "", "good", None, (), {}, None)
    assert choose_kept(store.releases, live, None).id == choose_kept(store.releases, live, "R1").id == "R1"
    with pytest.raises(Refused, match=r"R2 cannot come back: .*R2/release\.json is damaged"):
        choose_kept(store.releases, live, "R2")
    store.releases.update("R1", state="bad")
    with pytest.raises(Refused, match=r"nothing to go back to: [^\n]*\n.*R2/release\.json is damaged"):
        choose_kept(store.releases, live, None)
