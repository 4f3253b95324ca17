"""The ends that no program wrote: whole events, with what is live where that could be seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from switchyard.core.errors import FAILED, UNVERIFIED, NotChecked
from switchyard.core.steps import STEPS, TOUCHES_LIVE
from switchyard.core.wire import events
from switchyard.core.wire.events import End, Event, Received, StepBegins, Switched
from switchyard.core.wire.facts import LiveRelease
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store
from switchyard.host.channel import ends
from switchyard.host.channel.ends import as_of_now, end_killed, end_with

LIVE = LiveRelease("blue", "R1", 1, "1abc", "", "good", None, (), {}, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "root" / "attempts" / "one"
    folder.mkdir(parents=True)
    began(folder, "deploy")
    return folder


def began(folder: Path, verb: str, *events: Event) -> None:
    """Write what the attempt of a verb asked for and told, its last line torn."""
    (folder / "request.json").write_text(json.dumps(Request(verb, "web", str(folder.parents[1])).encode()))
    lines = [json.dumps(event.encode()) + "\n" for event in events]
    (folder / "events.jsonl").write_text("".join(lines) + '{"event": "step", "st')


def printed(capsys: pytest.CaptureFixture[str]) -> End:
    event = events.decode(json.loads(capsys.readouterr().out))
    assert isinstance(event, End)
    return event


def raise_not_checked(*_: object) -> NoReturn:
    raise NotChecked("the engine is away")


def test_an_end_that_looked_at_nothing_says_so(capsys):
    assert end_with(4, "refused by hand", outcome="refused") == 4
    assert printed(capsys) == End("refused", 4, "refused by hand")


def test_the_end_of_a_killed_program_names_the_way_on_and_what_is_live(folder, monkeypatch, capsys):
    monkeypatch.setattr(ends, "live_release", lambda *_: LIVE)
    assert end_killed(folder) == FAILED
    end = printed(capsys)
    assert (end.outcome, end.live, end.looked) == ("killed", LIVE, True)
    assert "it repairs what was left half done" in end.reason


def test_what_is_live_stays_unknown_where_the_engine_does_not_answer(folder, monkeypatch, capsys):
    monkeypatch.setattr(ends, "live_release", raise_not_checked)
    end_killed(folder)
    end = printed(capsys)
    assert (end.live, end.looked) == (None, False)


VERBS = ("deploy", "rollback", "scale", "restart", "shared.apply", "edge.apply", "unlock")
TOUCHED = [Switched("blue", "R1", "green", 0), *(StepBegins(step, None) for step in sorted(TOUCHES_LIVE))]
UNTOUCHED = [Received("R1"), *(StepBegins(step, "blue") for step in STEPS if step not in TOUCHES_LIVE)]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("event", [*TOUCHED, *UNTOUCHED], ids=repr)
def test_a_program_that_died_after_it_touched_what_is_live_never_says_that_nothing_live_changed(
    folder, monkeypatch, capsys, verb, event
):
    monkeypatch.setattr(ends, "live_release", lambda *_: LIVE)
    began(folder, verb, Received("R1"), event)
    is_touched = event in TOUCHED
    assert end_killed(folder) == (UNVERIFIED if is_touched else FAILED)
    end = printed(capsys)
    assert (end.outcome, end.live, end.looked) == ("killed", LIVE, True)
    assert ("after it had begun to change what is live" in end.reason) == is_touched
    again = "inv deploy or inv rollback once" if verb in ("deploy", "rollback") else f"inv {verb} again"
    assert f"Run {again}" in end.reason


def test_a_lease_that_switched_tells_of_a_program_that_died_before_it_told_anybody(folder, monkeypatch):
    monkeypatch.setattr(ends, "live_release", lambda *_: LIVE)
    store = Store(folder.parents[1])
    number = store.lease.take("one", "deploy", "ann@laptop").number
    assert end_killed(folder) == FAILED
    store.lease.renew(number, switched=True)
    assert end_killed(folder) == UNVERIFIED


@pytest.mark.parametrize("outcome", ["live", "cancelled", "superseded", "taken back", "held"])
def test_an_end_that_is_read_after_another_attempt_followed_tells_what_is_live_now(folder, monkeypatch, outcome):
    store = Store(folder.parents[1])
    store.lease.free(store.lease.take("two", "deploy", "bob@desk").number)
    old = End(outcome, 6, "", live=replace(LIVE, id="R0"), looked=True, number=7)
    monkeypatch.setattr(ends, "live_release", lambda *_: LIVE)
    end = as_of_now(old, store, folder)
    assert (end.live, end.outcome) == (LIVE, "superseded" if outcome == "cancelled" else outcome)
    assert as_of_now(replace(old, number=1), store, folder) == replace(old, number=1)
    monkeypatch.setattr(ends, "live_release", raise_not_checked)
    end = as_of_now(old, store, folder)
    assert (end.live, end.looked) == (None, False)
