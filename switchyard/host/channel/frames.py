"""The stream that the control node sends: words, one JSON object a line, some followed by a pack of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from switchyard.core.errors import SwitchyardError
from switchyard.core.wire import json_text
from switchyard.core.wire.request import Word

WORD_MOST = 1024 * 1024
"""Bytes of a word. A longer line is no word, and is not kept until it ends."""


class PackPart(NamedTuple):
    """Some bytes of a pack. The word that announced the pack comes after its last part."""

    data: bytes


class WordFrame(NamedTuple):
    """A word whose pack, if it has one, arrived whole."""

    word: Word


class FrameParser:
    """Splits a stream into frames, however the stream was cut up on its way."""

    def __init__(self) -> None:
        self._pending = b""
        self._missing = 0
        self._announced: WordFrame | None = None

    def feed(self, data: bytes) -> Iterator[PackPart | WordFrame]:
        """Yield the frames that these bytes complete. Raise ``SwitchyardError`` for what is no word."""
        self._pending += data
        while self._pending:
            if self._announced is not None:
                yield from self._part_of_pack(self._announced)
                continue
            line, newline, rest = self._pending.partition(b"\n")
            if len(line) > WORD_MOST:
                raise SwitchyardError(f"the control node sent a word of more than {WORD_MOST:,} bytes")
            if not newline:
                return
            self._pending = rest
            frame = WordFrame(_word(line))
            if frame.word.bytes:
                self._announced, self._missing = frame, frame.word.bytes
            else:
                yield frame

    def _part_of_pack(self, announced: WordFrame) -> Iterator[PackPart | WordFrame]:
        data, self._pending = self._pending[: self._missing], self._pending[self._missing :]
        self._missing -= len(data)
        yield PackPart(data)
        if not self._missing:
            self._announced = None
            yield announced


def _word(line: bytes) -> Word:
    """Return the word on a line. Raise ``SwitchyardError`` for one that announces less than nothing."""
    word = Word.decode(json_text.parse(line))
    if word.bytes < 0:
        raise SwitchyardError(f"the control node announced {word.bytes} bytes")
    return word
