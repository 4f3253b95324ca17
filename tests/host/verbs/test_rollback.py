"""A rollback says before it begins what cannot come back, and how far the schema is ahead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.app import Route
from switchyard.core.errors import OK, Refused
from switchyard.core.next_step import Want
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.release import MigrationHead, ReleaseRecord
from switchyard.host import hello, settle
from switchyard.host.adapters import engine
from switchyard.host.adapters.files import write_json
from switchyard.host.attempt import Attempt
from switchyard.host.observe import stage
from switchyard.host.verbs import rollback as verb
from switchyard.host.verbs.rollback import rollback, schema_ahead
from tests.harness.attempts import begin_attempt
from tests.harness.facts import FACTS
from tests.harness.release_record import RECORD, record


def with_head(number: int, after: str | None, *files: str) -> ReleaseRecord:
    return replace(record(number), head=MigrationHead(None, after, files))


@pytest.fixture
def live(new_store, fake_engine, monkeypatch) -> str:
    """R2 is live, R1 was good before it; the engine has the image ``here`` alone."""
    new_store.releases.write(
        replace(record(1), front=("web",), images={"web": "here"}, routes=(Route("web", 80, 8080),))
    )
    new_store.releases.write(record(2))
    shown = LiveRelease("blue", "R2", 2, "2abc", "", "good", None, (), {}, None)
    monkeypatch.setattr(hello, "collect_facts", lambda *_: replace(FACTS, live=shown))
    monkeypatch.setattr(engine, "image_id", lambda name: name if name == "here" else None)
    return "R2"


@pytest.mark.parametrize("state,goal", [("good", "repair"), ("unverified", "repair"), ("live", "rollback")])
def test_a_rollback_to_what_is_live_repairs_it_or_goes_on_where_its_attempt_died(
    new_store, live, monkeypatch, state, goal
):
    goals: list[Want] = []

    def drive(attempt: Attempt, want: Want) -> str:
        goals.append(want)
        attempt.memory.verdict = "ok"
        return "live"

    monkeypatch.setattr(verb, "drive", drive)
    monkeypatch.setattr(settle, "drive", drive)
    new_store.releases.update(live, state=state)
    attempt = begin_attempt(new_store, verb="rollback", app="shop", to=live)
    assert rollback(attempt).exit == OK
    assert goals == [Want(goal, live)] and attempt.lease.has_switched is (goal == "rollback")


def test_a_release_whose_images_are_gone_cannot_come_back(new_store, live):
    new_store.releases.write(
        replace(record(1), front=("api",), handover=("web",), images={"web": "gone", "api": "here"})
    )
    with pytest.raises(Refused, match="R1 cannot come back: the images of web are gone"):
        rollback(begin_attempt(new_store, verb="rollback", app="shop"))


@pytest.mark.parametrize("gone", ["migrate", "db"])
def test_an_image_that_a_rollback_does_not_run_may_be_gone(new_store, live, monkeypatch, gone):
    images = {"web": "here", gone: "gone"}
    target = replace(record(1), front=("web",), oneshots=("migrate",), shared=("db",), images=images)
    new_store.releases.write(target)
    monkeypatch.setattr(verb, "drive", lambda attempt, want: "live")
    attempt = begin_attempt(new_store, verb="rollback", app="shop")
    attempt.memory.verdict = "ok"
    assert rollback(attempt).outcome == "live"
    assert stage(target) == "built", "nor does the walk to it ask for that image"


def test_a_volume_that_was_replaced_stops_the_rollback_that_needs_it(new_store, live, fake_engine):
    fake_engine.know("/volumes/kept", {"Name": "kept", "CreatedAt": "now"})
    (new_store.root / "adopted.json").write_text('{"v": 1, "volumes": {"kept": "then"}}')
    target = replace(record(1), since=1.0, front=("web",), images={"web": "here"}, volumes=("kept",))
    new_store.releases.write(target)
    attempt = begin_attempt(new_store, verb="rollback", app="shop", host="prod")
    with pytest.raises(Refused, match=r"volume kept is now that of now.*inv allow --host prod --objects volume:kept"):
        rollback(attempt)


def test_a_damaged_ledger_stops_no_rollback_that_does_not_need_it(new_store, live, monkeypatch):
    (new_store.root / "adopted.json").write_text("{")
    monkeypatch.setattr(verb, "drive", lambda attempt, want: "live")
    attempt = begin_attempt(new_store, verb="rollback", app="shop")
    attempt.memory.verdict = "ok"
    assert rollback(attempt).outcome == "live"


def test_a_release_whose_addresses_the_edge_lacks_cannot_come_back_and_the_way_is_named(new_store, live):
    write_json(new_store.edge / "routes.json", [Route("web", 90, 9090).encode()])
    with pytest.raises(Refused, match=r"no address for 0.0.0.0:8080 \(web:80\).*inv edge.apply --host prod --rev 1abc"):
        rollback(begin_attempt(new_store, verb="rollback", app="shop", host="prod"))


def test_a_release_of_which_the_edge_lacks_some_addresses_comes_back_and_says_which_stay_closed(
    new_store, live, monkeypatch
):
    routes = (Route("web", 80, 8080), Route("old", 90, 9090))
    new_store.releases.write(replace(record(1), images={"web": "here"}, routes=routes))
    write_json(new_store.edge / "routes.json", [Route("app", 81, 8080).encode()])
    monkeypatch.setattr(verb, "drive", lambda *_: "live")
    attempt = begin_attempt(new_store, verb="rollback", app="shop", host="prod")
    assert rollback(attempt).reason == ""
    events = (attempt.folder / "events.jsonl").read_text()
    assert "the edge no longer holds 0.0.0.0:9090 (old:90): closed until inv edge.apply --host prod" in events


def test_a_schema_that_is_ahead_is_named_with_the_migrations_that_stay():
    message = schema_ahead(with_head(2, "003", "001", "002", "003"), with_head(1, "001", "001"))
    assert message == "the schema stays at 003, ahead of R1's 001 by 2: 002, 003; a rollback runs no migration"
    assert "unknown head" in schema_ahead(with_head(2, None, "001"), with_head(1, "001"))


def test_a_schema_that_is_not_ahead_is_not_mentioned():
    assert schema_ahead(None, RECORD) == schema_ahead(RECORD, RECORD) == ""
    assert schema_ahead(with_head(2, "001"), with_head(1, "001")) == ""
