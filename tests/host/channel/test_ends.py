"""The ends that no program wrote: whole events, with what is live where that could be seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from switchyard.core.errors import FAILED, NotChecked
from switchyard.core.wire import events
from switchyard.core.wire.events import End
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
    (folder / "request.json").write_text(json.dumps(Request("deploy", "web", str(tmp_path / "root")).encode()))
    return folder


def printed(capsys: pytest.CaptureFixture[str]) -> End:
    event = events.decode(json.loads(capsys.readouterr().out))
    assert isinstance(event, End)
    return event


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
    def away(*_: object) -> None:
        raise NotChecked("the engine is away")

    monkeypatch.setattr(ends, "live_release", away)
    end_killed(folder)
    end = printed(capsys)
    assert (end.live, end.looked) == (None, False)


def test_only_a_cancelled_end_reads_otherwise_once_another_attempt_followed(tmp_path):
    store = Store(tmp_path / "root")
    store.prepare()
    store.lease.free(store.lease.take("two", "deploy", "bob@desk").number)
    for outcome, now in (("cancelled", "superseded"), ("live", "live")):
        assert as_of_now(End(outcome, 130, "", number=7), store).outcome == now
    assert as_of_now(End("cancelled", 130, "", number=1), store).outcome == "cancelled"
