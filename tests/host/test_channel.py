"""What follows an attempt tells its end, whichever moment that came at, and whatever there is no room for."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from switchyard.core.errors import FAILED
from switchyard.host import channel
from switchyard.host.adapters.store import Store


@pytest.mark.parametrize("torn", [0, 9])
def test_an_end_that_is_said_in_the_moment_of_the_look_is_told_and_not_taken_for_a_kill(
    tmp_path, monkeypatch, capsys, torn
):
    end = json.dumps({"event": "end", "exit": 0}) + "\n"
    events = tmp_path / "events.jsonl"
    events.write_text(end[:torn])

    def ends_now(folder):
        with open(events, "a") as file:
            file.write(end[torn:])
        return True

    monkeypatch.setattr(channel, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(channel, "_is_gone", ends_now)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as words, os.fdopen(writing, "wb"):
        assert channel._follow(tmp_path, words) == 0
    assert capsys.readouterr().out == end


@pytest.fixture
def spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A host without any room, whose reserve is spent."""

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = Store(tmp_path / "root")
    store.prepare()
    store.reserve.spend()
    for name in ("write", "append"):
        monkeypatch.setattr(channel, name, fail)
    monkeypatch.setattr(store, "prepare", lambda: None)
    monkeypatch.setattr(channel, "Store", lambda root: store)
    monkeypatch.setattr(channel, "has_room", lambda root: False)
    monkeypatch.setattr(channel, "_live", lambda folder: {})
    return store


def begun(store: Store, *events: str) -> Path:
    """The folder of an attempt that has said so much."""
    folder = store.attempts / "one"
    folder.mkdir()
    (folder / "request.json").write_text(json.dumps({"verb": "deploy", "app": "web"}))
    (folder / "events.jsonl").write_text("".join(json.dumps({"event": name, "exit": 0}) + "\n" for name in events))
    return folder


def serve(store: Store, verb: str, said: bytes = b"", **fields: Any) -> int:
    reading, writing = os.pipe()
    os.write(writing, said)
    os.close(writing)
    with os.fdopen(reading, "rb") as words:
        return channel.serve({"verb": verb, "app": "web", "root": str(store.root), "attempt": "one", **fields}, words)


def ends(said: str) -> list[str]:
    return [
        f"{event['outcome']}: {event['reason']}" for event in map(json.loads, said.splitlines()) if "reason" in event
    ]


def test_an_attempt_that_no_room_is_left_to_begin_ends_with_that(spent, capsys):
    assert serve(spent, "rollback") == FAILED
    (told,) = ends(capsys.readouterr().out)
    assert told.startswith("failed: the disk of") and "is full. Free space" in told


def test_an_attempt_whose_program_could_not_begin_ends_when_it_is_followed(spent, capsys):
    folder = begun(spent)
    os.utime(folder / "request.json", (0, 0))
    assert serve(spent, "follow", seen=0) == FAILED
    (told,) = ends(capsys.readouterr().out)
    assert told.startswith("killed: the disk of") and "is full. Free space" in told


@pytest.mark.parametrize("said,seen,code", [(["hello"], 1, FAILED), (["switched"], 0, 6), (["switched", "step"], 2, 6)])
def test_what_cannot_be_passed_on_for_lack_of_room_ends_only_what_has_not_switched(
    spent, monkeypatch, capsys, said, seen, code
):
    folder = begun(spent, *said)

    def fails_and_it_goes_on(*_: Any) -> None:
        with open(folder / "events.jsonl", "a") as file:
            file.write('{"event": "end", "exit": 6}\n')
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(channel, "append", fails_and_it_goes_on)
    assert serve(spent, "follow", b'{"say": "beat"}\n', seen=seen) == code
    assert ("is full. Free space" in capsys.readouterr().out) == (code == FAILED)


@pytest.mark.parametrize("size", [1, 3 << 20])
def test_what_is_sent_arrives_whole_before_it_is_announced(tmp_path, monkeypatch, size):
    store = Store(tmp_path / "root")
    store.prepare()
    folder, data = begun(store), os.urandom(size)
    seen: list[tuple[bytes, str]] = []

    def pass_on(path: Path, text: str) -> None:
        seen.append(((folder / "pack").read_bytes(), text))
        (folder / "events.jsonl").write_text('{"event": "end", "exit": 0}\n')

    monkeypatch.setattr(channel, "append", pass_on)
    head = json.dumps({"say": "receive", "bytes": size}).encode() + b"\n"
    whole = tmp_path / "whole"
    whole.write_bytes(head + data)
    with open(whole, "rb") as words:
        assert channel._follow(folder, words) == 0
    assert seen == [(data, head.decode())]


@pytest.mark.parametrize(
    "since,told", [(0, "cancelled: no word"), (1, "superseded: no word; another attempt has taken")]
)
def test_an_attempt_that_was_cancelled_and_followed_by_another_is_told_as_superseded(tmp_path, capsys, since, told):
    store = Store(tmp_path / "root")
    store.prepare()
    folder = begun(store)
    number, *_ = store.lease.take("one", "deploy", "ann@laptop")
    end = {"event": "end", "outcome": "cancelled", "exit": 130, "reason": "no word", "number": number}
    (folder / "events.jsonl").write_text(json.dumps(end) + "\n")
    store.lease.free(number)
    for _ in range(since):
        store.lease.free(store.lease.take("two", "deploy", "bob@desk")[0])
    serve(store, "follow", seen=0)
    assert ends(capsys.readouterr().out)[0].startswith(told)


def test_an_error_of_a_look_is_told_as_that_and_without_its_words(tmp_path, monkeypatch, capsys):
    def look(*_: Any) -> dict[str, Any]:
        raise ValueError("a secret")

    monkeypatch.setitem(channel.QUERIES, "status", look)
    assert serve(Store(tmp_path / "root"), "status") == FAILED
    (told,) = ends(capsys.readouterr().out)
    assert "met an error of its own: ValueError at test_channel.py:" in told and "secret" not in told


def test_what_an_attempt_writes_to_is_there_before_it_runs_out_of_inodes(tmp_path):
    channel._begin(tmp_path / "one", {"verb": "deploy"})
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"request.json", "events.jsonl", "said.jsonl"}
