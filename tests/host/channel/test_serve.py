"""A request always ends with an event, whatever stands in its way."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import NoReturn

import pytest

from switchyard.core.errors import BAD_INPUT, FAILED, NOT_CHECKED, UNVERIFIED
from switchyard.core.wire.request import Request
from switchyard.host import queries
from switchyard.host.adapters.store import Store
from switchyard.host.channel import ends, relay
from switchyard.host.channel import serve as module


def fail(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A host without any room, whose reserve is spent."""
    store = Store(tmp_path / "root")
    store.prepare()
    store.reserve.spend()
    for owner, name in ((module, "write"), (module, "append"), (relay, "append")):
        monkeypatch.setattr(owner, name, fail)
    monkeypatch.setattr(store, "prepare", lambda: None)
    monkeypatch.setattr(module, "Store", lambda root: store)
    monkeypatch.setattr(ends, "has_room", lambda root: False)
    monkeypatch.setattr(ends, "live_release", lambda *_: None)
    return store


EVENTS = {
    "hello": {"v": 1, "event": "hello"},
    "step": {"v": 1, "event": "step"},
    "switched": {"v": 1, "event": "switched"},
}


def begun(store: Store, *events: str) -> Path:
    """The folder of an attempt that has emitted so much."""
    folder = store.attempts / "one"
    folder.mkdir()
    (folder / "request.json").write_text(json.dumps(Request("deploy", "web", str(store.root)).encode()))
    (folder / "events.jsonl").write_text("".join(json.dumps(EVENTS[name]) + "\n" for name in events))
    return folder


def serve(store: Store, verb: str, data: bytes = b"", *, seen: int = 0) -> int:
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    with os.fdopen(reading, "rb") as words:
        return module.serve(Request(verb, "web", str(store.root), attempt="one", seen=seen), words)


def ends_in(output: str) -> list[str]:
    events = [json.loads(line) for line in output.splitlines()]
    return [f"{event['outcome']}: {event['reason']}" for event in events if "reason" in event]


def test_an_attempt_that_no_room_is_left_to_begin_ends_with_that(spent, capsys):
    assert serve(spent, "rollback") == FAILED
    (end,) = ends_in(capsys.readouterr().out)
    assert end.startswith("failed: the disk of") and "is full. Free" in end


def test_an_attempt_whose_program_could_not_begin_ends_when_it_is_followed(spent, capsys):
    folder = begun(spent)
    os.utime(folder / "request.json", (0, 0))
    assert serve(spent, "follow") == FAILED
    (end,) = ends_in(capsys.readouterr().out)
    assert end.startswith("killed: the disk of") and "is full. Free" in end


@pytest.mark.parametrize(
    "events,seen,code", [(["hello"], 1, FAILED), (["switched"], 0, 6), (["switched", "step"], 2, 6)]
)
def test_what_cannot_be_passed_on_for_lack_of_room_ends_only_what_has_not_switched(
    spent, monkeypatch, capsys, events, seen, code
):
    folder = begun(spent, *events)

    def fails_and_it_goes_on(*_: object) -> NoReturn:
        with open(folder / "events.jsonl", "a") as file:
            file.write('{"v": 1, "event": "end", "outcome": "unverified", "exit": 6, "reason": ""}\n')
        fail()

    monkeypatch.setattr(relay, "append", fails_and_it_goes_on)
    assert serve(spent, "follow", b'{"say": "beat"}\n', seen=seen) == code
    assert ("is full. Free" in capsys.readouterr().out) == (code == FAILED)


def test_a_bug_of_a_query_is_told_as_that_and_without_its_words(tmp_path, monkeypatch, capsys):
    def look(*_: object) -> NoReturn:
        raise ValueError("a secret")

    monkeypatch.setitem(queries.QUERIES, "status", look)
    assert serve(Store(tmp_path / "root"), "status") == FAILED
    (end,) = ends_in(capsys.readouterr().out)
    assert "has a bug: ValueError at test_serve.py:" in end and "secret" not in end


def test_a_bug_of_what_follows_an_attempt_is_told_as_that(spent, monkeypatch, capsys):
    def breaks(*_: object, **__: object) -> NoReturn:
        raise ValueError("a secret")

    begun(spent, "hello", "switched")
    monkeypatch.setattr(module, "follow", breaks)
    assert serve(spent, "follow") == UNVERIFIED
    (end,) = ends_in(capsys.readouterr().out)
    assert "has a bug: ValueError at test_serve.py:" in end and "secret" not in end


def test_a_root_that_the_user_cannot_use_is_named_with_the_way_out(tmp_path, capsys):
    (tmp_path / "root").write_text("a file")
    assert serve(Store(tmp_path / "root"), "rollback") == BAD_INPUT
    (end,) = ends_in(capsys.readouterr().out)
    assert "this SSH user cannot use" in end and "Choose another `root` for the host" in end


def test_an_attempt_that_this_host_does_not_know_is_lost(tmp_path, capsys):
    assert serve(Store(tmp_path / "root"), "follow") == NOT_CHECKED
    assert ends_in(capsys.readouterr().out) == ["lost: this host knows no such attempt"]


def test_what_an_attempt_writes_to_is_there_before_it_runs_out_of_inodes(tmp_path):
    module.begin(tmp_path / "one", Request("deploy", "web", str(tmp_path)))
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"request.json", "events.jsonl", "said.jsonl"}


def test_a_host_of_a_newer_layout_refuses_with_a_whole_end(tmp_path, capsys):
    (tmp_path / "layout").write_text("2\n")
    for verb in ("status", "deploy"):
        with open(os.devnull, "rb") as words:
            assert module.serve(Request(verb, "shop", str(tmp_path), attempt="a"), words) == 4
        end = json.loads(capsys.readouterr().out)
        assert end.items() >= {"event": "end", "outcome": "refused", "exit": 4, "live": None, "looked": False}.items()
        assert {"before", "release", "reason"} <= set(end) and "newer than this Switchyard" in end["reason"]
    assert [path.name for path in tmp_path.iterdir()] == ["layout"], "nothing was changed"
