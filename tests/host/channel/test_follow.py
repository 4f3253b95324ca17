"""Whoever follows an attempt reads its end, whichever moment that comes at, and whatever there is no room for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from switchyard.core.errors import INTERRUPTED
from switchyard.core.journal import ShownEntry
from switchyard.core.wire.events import End
from switchyard.core.wire.request import Request, Word
from switchyard.host.adapters.store import Store
from switchyard.host.channel import follow as module
from switchyard.host.channel import relay, watchdog
from switchyard.host.channel.follow import follow
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import record

SHOWN = json.dumps(Word("shown").encode()).encode() + b"\n"
END = json.dumps(End("live", 0, "").encode()) + "\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "root")
    store.prepare()
    return store


@pytest.fixture
def folder(store: Store) -> Path:
    folder = begin_attempt(store).folder
    (folder / "events.jsonl").touch()
    return folder


def follow_with(folder: Path, data: bytes = b"", *, seen: int = 0) -> int:
    """Follow an attempt while the control node sends some bytes and closes the stream."""
    sent = folder / "sent"
    sent.write_bytes(data)
    with open(sent, "rb") as words:
        return follow(folder, words, seen=seen)


@pytest.mark.parametrize("torn", [0, 9])
def test_an_end_that_comes_in_the_moment_of_the_look_is_passed_on_and_not_taken_for_a_kill(
    folder, monkeypatch, capsys, torn
):
    events = folder / "events.jsonl"
    events.write_text(END[:torn])

    def ends_now(_: Path) -> bool:
        with open(events, "a") as file:
            file.write(END[torn:])
        return True

    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(watchdog, "is_gone", ends_now)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as words, os.fdopen(writing, "wb", buffering=0) as control:
        control.write(SHOWN)
        assert follow(folder, words) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(END)


def test_events_are_passed_on_from_the_first_that_was_not_seen(folder, capsys):
    lines = [json.dumps({"v": 1, "event": "progress", "at": 1.5, "text": text}) + "\n" for text in ("one", "two")]
    (folder / "events.jsonl").write_text("".join(lines) + END)
    assert follow_with(folder, seen=1) == 0
    assert capsys.readouterr().out.startswith(lines[1])


@pytest.mark.parametrize("size", [1, 3 << 20])
def test_what_is_sent_arrives_whole_before_it_is_announced(folder, monkeypatch, size):
    data = os.urandom(size)
    seen: list[tuple[bytes, str]] = []

    def pass_on(path: Path, text: str) -> None:
        seen.append(((folder / "pack").read_bytes(), text))
        (folder / "events.jsonl").write_text(END)

    monkeypatch.setattr(relay, "append", pass_on)
    head = json.dumps({"say": "receive", "bytes": size}).encode() + b"\n"
    assert follow_with(folder, head + data) == 0
    assert seen == [(data, head.decode())]


@pytest.mark.parametrize(
    "followers,message", [(0, "cancelled: no word"), (1, "superseded: no word; another attempt has taken")]
)
def test_an_attempt_that_was_cancelled_and_followed_by_another_ends_as_superseded(
    store, folder, capsys, followers, message
):
    number = store.lease.take("one", "deploy", "ann@laptop").number
    end = End("cancelled", INTERRUPTED, "no word", number=number)
    (folder / "events.jsonl").write_text(json.dumps(end.encode()) + "\n")
    store.lease.free(number)
    for _ in range(followers):
        store.lease.free(store.lease.take("two", "deploy", "bob@desk").number)
    request = Request("deploy", "web", str(store.root))
    (folder / "request.json").write_text(json.dumps(request.encode()))
    follow_with(folder)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert f"{last['outcome']}: {last['reason']}".startswith(message)


ROLLED_BACK = End("live", 0, "", release="R1", number=1)
LINE = json.dumps(ROLLED_BACK.encode()) + "\n"


def shown_in(store: Store) -> list[ShownEntry]:
    return [entry for entry in store.journal.read()[0] if isinstance(entry, ShownEntry)]


@pytest.fixture
def ended(store: Store) -> Path:
    """The folder of a rollback to R1 that has ended and holds the last fencing number."""
    folder = begin_attempt(store, verb="rollback", host="prod").folder
    (folder / "request.json").write_text(json.dumps(Request("rollback", "web", "~", host="prod").encode()))
    (folder / "events.jsonl").write_text(LINE)
    store.releases.write(record(1))
    store.lease.take("one", "rollback", "ann@desk")
    store.lease.free(1)
    return folder


@pytest.mark.parametrize("said,count", [(SHOWN, 1), (b'{"say": "beat"}\n' + SHOWN, 1), (b"", 0), (SHOWN[:9], 0)])
def test_an_end_counts_as_shown_once_the_control_node_says_so_and_not_where_the_line_is_cut(
    ended, store, capsys, said, count
):
    assert follow_with(ended, said) == 0
    assert [(entry.attempt, entry.release, entry.host) for entry in shown_in(store)] == [("one", "R1", "prod")] * count
    assert json.loads(capsys.readouterr().out) == json.loads(LINE), "the end was passed on before"


def test_nobody_waits_for_ever_for_the_word_on_a_line_that_is_silent(ended, store, monkeypatch):
    monkeypatch.setattr(module, "SHOWN_WITHIN", 0.05)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as words, os.fdopen(writing, "wb"):
        assert follow(ended, words) == 0
    assert shown_in(store) == []


@pytest.mark.parametrize("taken_since", [False, True])
def test_a_release_whose_last_probes_failed_is_not_good_unless_another_attempt_acts_by_now(ended, store, taken_since):
    if taken_since:
        store.lease.take("two", "deploy", "ben@desk")
    follow_with(ended, json.dumps(Word("shown", why="9 of the last 12 probes failed").encode()).encode() + b"\n")
    assert store.releases.require("R1").state == ("good" if taken_since else "unverified")
    assert [entry.why for entry in shown_in(store)] == ["9 of the last 12 probes failed"]
