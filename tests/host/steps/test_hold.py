"""The hold of requests: what stops before it, how long it lasts, and what is told of it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.app import App, Route
from switchyard.core.site import Site, Slot
from switchyard.core.wire.request import Word
from switchyard.host import observe
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.proxy import Waited
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from switchyard.host.steps import hold as module
from tests.harness.attempts import begin_attempt, say
from tests.harness.fake_engine import listed
from tests.harness.release_record import RECORD

APP = App("shop", kinds={"git": "exclusive", "worker": "handover"}, hold=20, healthy_within=50)


@pytest.fixture
def stopped() -> list[str]:
    """What was stopped, each with its colour."""
    return []


@pytest.fixture
def attempt(tmp_path: Path, monkeypatch, stopped: list[str]) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store)
    attempt.lease.number = store.lease.take("one", "deploy", "me@here").number
    attempt.wanted.id = "R1"
    record = replace(RECORD, app=APP, routes=(Route("git", 3000, 3000),), handover=("git", "worker"))
    store.releases.write(record)
    (store.edge / "maps").mkdir(parents=True)
    kinds = {"git": "exclusive", "worker": "handover", "web": "routed"}
    containers = [Container.decode(listed(name, service=name, kind=kind)) for name, kind in kinds.items()]
    monkeypatch.setattr(module, "containers_in", lambda *_: containers)
    monkeypatch.setattr(
        module, "stop", lambda _, colour, chosen: stopped.extend(f"{colour} {each.service}" for each in chosen)
    )
    monkeypatch.setattr(observe, "site", lambda *_: Site(blue=Slot("R1", exclusive=True)))
    return attempt


def events(attempt: Attempt) -> list[dict]:
    return [json.loads(line) for line in (attempt.folder / "events.jsonl").read_text().splitlines()]


def test_workers_stop_before_the_hold_and_exclusive_services_after_it(attempt, stopped):
    module.hold(attempt, "blue")
    assert stopped == ["blue worker"]
    assert "requests to git wait" in [event.get("text") for event in events(attempt)]


def test_from_the_hold_on_nothing_cancels(attempt):
    say(attempt, Word("cancel"))
    with pytest.raises(Cancelled):
        attempt.tick()
    module.hold(attempt, "blue")
    assert attempt.lease.has_switched
    say(attempt, Word("cancel"))
    attempt.tick()


def test_a_hold_ends_by_itself_once_both_releases_had_their_time_to_start(attempt):
    before = int(time.time())
    module.hold(attempt, "blue")
    key, second = (attempt.store.edge / "maps" / "hold.map").read_text().split()
    assert key == "until" and before + 120 <= int(second) <= time.time() + 120
    assert attempt.proxy.holds()


def test_what_reached_the_service_before_the_hold_gets_its_time(attempt, monkeypatch):
    asked = []

    def answers(backends: set[str], *, within: float) -> bool:
        asked.append((backends, within))
        return len(asked) < 3

    monkeypatch.setattr(attempt.proxy, "answers", answers)
    module.hold(attempt, "blue")
    assert asked == [({"git-3000_blue", "unchecked_git-3000_blue"}, 10.0)] * 3


def test_to_let_requests_through_tells_how_long_they_waited(attempt, monkeypatch):
    module.hold(attempt, "blue")
    waited = iter([Waited(7, 900, 1), Waited(0, 1100, 1)])
    monkeypatch.setattr(attempt.proxy, "waited", lambda: next(waited))
    module.let_through(attempt)
    assert not attempt.proxy.holds()
    told = events(attempt)[-1]
    assert told["event"] == "let through" and told["hold"]["longest"] == 1.1 and told["hold"]["refused"] == 1
    assert 0 <= told["hold"]["seconds"] < 10


def test_of_a_hold_that_another_program_began_nobody_knows_how_long_it_was(attempt):
    (attempt.store.edge / "maps" / "hold.map").write_text("until 1\n")
    module.let_through(attempt)
    assert events(attempt)[-1]["hold"] == {"seconds": None, "longest": 0.0, "refused": 0}
