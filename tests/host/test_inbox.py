"""The inbox of an attempt: every word counts as a beat, and a cancel ends what may still be cancelled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from switchyard.core.wire.request import Word
from switchyard.host.inbox import Cancelled, Inbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "said.jsonl"


def say(path: Path, *words: Word) -> None:
    with open(path, "a") as file:
        file.writelines(json.dumps(word.encode()) + "\n" for word in words)


def test_an_inbox_without_a_file_is_empty(path):
    inbox = Inbox(path)
    inbox.hear(may_cancel=True)
    assert inbox.take("receive") is None


def test_words_wait_until_they_are_taken_and_beats_do_not(path):
    inbox = Inbox(path)
    say(path, Word("prepare"), Word("beat"), Word("receive"))
    inbox.hear(may_cancel=True)
    assert (inbox.take("beat"), inbox.take("receive"), inbox.take("receive")) == (None, Word("receive"), None)
    assert inbox.take("prepare", "switch") == Word("prepare")


def test_any_word_ends_the_silence(path):
    inbox = Inbox(path)
    inbox.heard_at -= 30
    assert inbox.silence >= 30
    say(path, Word("receive"))
    inbox.hear(may_cancel=True)
    assert inbox.silence < 5


def test_a_word_that_is_only_half_there_is_read_once_it_is_whole(path):
    inbox = Inbox(path)
    path.write_text('{"say": "rec')
    inbox.hear(may_cancel=True)
    assert inbox.take("receive") is None
    with open(path, "a") as file:
        file.write('eive"}\n')
    inbox.hear(may_cancel=True)
    assert inbox.take("receive") == Word("receive")


def test_a_cancel_counts_only_where_it_still_may(path):
    inbox = Inbox(path)
    say(path, Word("cancel"))
    inbox.hear(may_cancel=False)
    say(path, Word("cancel", why="the operator pressed Ctrl-C"))
    with pytest.raises(Cancelled, match="the operator pressed Ctrl-C"):
        inbox.hear(may_cancel=True)
