"""One run of a verb on a host: who it listens to, and when it gives up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from switchyard.core.app import Route
from switchyard.core.errors import SwitchyardError
from switchyard.core.lease import BEAT_WITHIN
from switchyard.core.site import Site, Slot
from switchyard.core.steps import Step
from switchyard.host import observe
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt, Cancelled
from switchyard.host.edge_configuration import edge_routes, routes_without_address
from switchyard.host.steps import build as images
from switchyard.host.steps import colour as colour_steps
from switchyard.host.steps import containers as slots
from switchyard.host.steps import singletons
from switchyard.host.steps import table as acts
from tests.harness.release_record import RECORD


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    folder = store.attempts / "one"
    folder.mkdir()
    made = Attempt(store, folder, {"verb": "deploy", "app": "web"})
    made.number, _, _ = store.lease.take("one", "deploy", "me@here")
    return made


def say(attempt: Attempt, word: str, **fields: str) -> None:
    with open(attempt.folder / "said.jsonl", "a") as file:
        file.write(json.dumps({"say": word, **fields}) + "\n")


def fall_silent(attempt: Attempt) -> None:
    attempt._beat -= BEAT_WITHIN + 1
    attempt._renewed -= BEAT_WITHIN + 1


def with_release(attempt: Attempt, name: str, *routes: Route) -> None:
    """A release on the host, the wanted one from now on."""
    attempt.store.releases.write(replace(RECORD, id=name, routes=routes))
    attempt.release = name


def test_a_release_that_comes_back_has_its_own_options_at_the_addresses_that_the_edge_holds_now(attempt):
    with_release(attempt, "R1", Route("web", 80, 8080, affinity=True), Route("old", 90, 9090))
    store, routes = attempt.store, attempt.routes
    assert edge_routes(store, routes) == list(routes) and routes_without_address(store, routes) == []
    held = [Route("new", 70, 7070, mode="tcp"), Route("web", 80, 8081, address="127.0.0.1")]
    write_json(store.edge / "routes.json", [route.encode() for route in held])
    assert edge_routes(store, routes) == [
        held[0],
        Route("web", 80, 8081, address="127.0.0.1", affinity=True),
    ]
    assert routes_without_address(store, routes) == ["old:90"]


@pytest.mark.parametrize("said,becomes", [(None, "done"), (True, "done"), (False, "failed")])
def test_a_step_that_found_the_release_wanting_is_told_and_written_down_as_failed(attempt, monkeypatch, said, becomes):
    monkeypatch.setitem(acts.ACTS, "prove", lambda attempt, colour: said)
    acts.act(attempt, Step("prove", "green"))
    lines = (attempt.folder / "events.jsonl").read_text().splitlines()
    assert [event["state"] for event in map(json.loads, lines)] == ["begins", becomes]
    assert [entry.what for entry in attempt.store.journal.read()[0]] == ["intent", becomes]


def test_before_the_switch_it_gives_up_when_nobody_beats(attempt):
    fall_silent(attempt)
    with pytest.raises(Cancelled, match="no word from the operator's side for 41 s, before the switch"):
        attempt.tick()


def test_a_beat_keeps_it_going(attempt):
    fall_silent(attempt)
    say(attempt, "beat")
    attempt.tick()


@pytest.mark.parametrize("why", [{}, {"why": "the connection was lost while the release was sent"}])
def test_a_cancel_before_the_switch_ends_it_with_what_is_said_of_it(attempt, why):
    say(attempt, "cancel", **why)
    with pytest.raises(Cancelled, match=why.get("why", "cancelled by the operator before the switch")):
        attempt.tick()


def test_after_the_switch_it_goes_on_alone_and_ignores_a_cancel(attempt):
    fall_silent(attempt)
    say(attempt, "cancel")
    attempt.switched = True
    attempt.tick()


def test_its_cleaning_up_is_cut_short_by_neither_silence_nor_a_word_and_keeps_the_lease(attempt):
    fall_silent(attempt)
    with pytest.raises(Cancelled):
        attempt.tick()
    attempt.ending = True
    say(attempt, "cancel")
    renewed = attempt.store.lease.current().renewed
    attempt.tick()
    assert attempt.store.lease.current().renewed > renewed


def test_while_the_engine_stops_containers_neither_silence_nor_a_takeover_cuts_it_short(attempt):
    for switched in (False, True):
        fall_silent(attempt)
        attempt.switched, renewed = switched, attempt.store.lease.current().renewed
        attempt.linger()
        assert attempt.store.lease.current().renewed > renewed, (
            "however long it takes, nobody else gets the lease meanwhile"
        )
    fall_silent(attempt)
    attempt.store.lease.take("two", "rollback", "me@here", over=attempt.store.lease.current())
    attempt.linger()
    attempt.switched = False
    with pytest.raises(Cancelled):
        attempt.tick()


def test_what_looks_at_a_build_ends_with_the_attempt(attempt):
    say(attempt, "cancel")
    began = time.monotonic()
    with pytest.raises(Cancelled):
        images._at_once(attempt, [partial(process.run, ["sleep", "60"])] * 40)
    assert time.monotonic() - began < 30


def test_what_failed_is_stopped_also_where_its_logs_cannot_be_kept(attempt, monkeypatch):
    with_release(attempt, "R1")
    (attempt.store.release("R1") / "failed" / "full.log").mkdir(parents=True)
    stopped, held = [], [Container.decode({"Id": name, "Names": [f"/{name}"]}) for name in ("full", "unread", "kept")]

    def logs(container: str, _: int) -> str:
        if container == "unread":
            raise SwitchyardError("configured logging driver does not support reading")
        return "its last words"

    monkeypatch.setattr(slots, "containers_in", lambda *_: held)
    monkeypatch.setattr(engine, "logs", logs)
    monkeypatch.setattr(engine, "description", lambda _: {})
    monkeypatch.setattr(slots, "stop", lambda _, colour, held: stopped.extend(c.id for c in held))
    colour_steps.cancel(attempt, "green")
    assert (attempt.store.release("R1") / "failed" / "kept.log").read_text() == "its last words"
    assert stopped == ["full", "unread", "kept"] and attempt.memory.failed == {"front green": "cancelled"}


@pytest.mark.parametrize("refusals,verdict", [(0, "unknown"), (1, "unknown"), (2, "wrong")])
def test_singletons_that_could_not_be_started_once_may_have_met_an_engine_that_was_just_killed(
    attempt, monkeypatch, refusals, verdict
):
    """It may be back before it is asked, and is no word on the release then."""
    with_release(attempt, "R1")
    attempt.store.releases.write(replace(RECORD, handover=("worker",)))
    monkeypatch.setattr(observe, "site", lambda *_: Site(green=Slot("R1")))
    monkeypatch.setattr(engine, "ping", lambda: None)
    refused = iter([SwitchyardError("unexpected EOF")] * refusals)
    monkeypatch.setattr(attempt, "run", lambda _: raise_next(refused))
    assert singletons.start_singletons(attempt, "green") is (refusals < 2)
    assert attempt.memory.verdict == verdict and ("single green" in attempt.memory.failed) is (refusals == 2)


def raise_next(errors: Iterator[Exception]) -> None:
    for error in errors:
        raise error
