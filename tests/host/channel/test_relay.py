"""The relay: words and packs reach the attempt, and a lack of room stops only what has not switched."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from switchyard.host.adapters.disk import Reserve
from switchyard.host.channel import relay as module
from switchyard.host.channel.relay import Relay


@contextlib.contextmanager
def relay_of(folder: Path, data: bytes) -> Iterator[Relay]:
    (folder / "sent").write_bytes(data)
    with open(folder / "sent", "rb") as words, Relay(words, folder, Reserve(folder)) as relay:
        yield relay


def test_words_and_a_pack_reach_the_attempt(tmp_path):
    with relay_of(tmp_path, b'{"say": "beat"}\n{"say": "receive", "bytes": 4}\npack{"say": "go"}\n') as relay:
        relay.pass_on()
        relay.pass_on()
    assert (tmp_path / "pack").read_bytes() == b"pack" and not (tmp_path / "pack.part").exists()
    assert (tmp_path / "said.jsonl").read_text().count("\n") == 3


def test_a_pack_that_was_cut_off_never_becomes_a_pack(tmp_path):
    with relay_of(tmp_path, b'{"say": "receive", "bytes": 40}\npack') as relay:
        relay.pass_on()
    assert not (tmp_path / "pack").exists() and not (tmp_path / "said.jsonl").exists()


@pytest.mark.parametrize("has_switched", [True, False])
def test_a_word_that_finds_no_room_stops_only_what_has_not_switched(tmp_path, monkeypatch, has_switched):
    def fail(path: Path, text: str) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "append", fail)
    with relay_of(tmp_path, b'{"say": "beat"}\n') as relay:
        relay.has_switched = has_switched
        if has_switched:
            relay.pass_on()
            return
        with pytest.raises(OSError, match="No space left"):
            relay.pass_on()
