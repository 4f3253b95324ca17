"""The frames of a stream: the same words and packs, wherever the stream is cut."""

from __future__ import annotations

import json

import pytest

from switchyard.core.wire.message import WireError
from switchyard.core.wire.request import Word
from switchyard.host.channel.frames import FrameParser, PackPart, WordFrame

PACK = b'{"say": "beat"}\n' * 3
"""Bytes of a pack that look like words."""
STREAM = b'{"say": "beat"}\n' + json.dumps({"say": "receive", "bytes": len(PACK)}).encode() + b"\n" + PACK
STREAM += b'{"say": "prepare"}\n'


@pytest.mark.parametrize("size", [1, 2, 7, 16, 17, 18, 40, len(STREAM)])
def test_a_stream_has_the_same_frames_wherever_it_is_cut(size: int) -> None:
    parser = FrameParser()
    frames = [frame for at in range(0, len(STREAM), size) for frame in parser.feed(STREAM[at : at + size])]
    assert b"".join(frame.data for frame in frames if isinstance(frame, PackPart)) == PACK
    words = [frame.word for frame in frames if isinstance(frame, WordFrame)]
    assert words == [Word("beat"), Word("receive", bytes=len(PACK)), Word("prepare")]


def test_the_word_that_announces_a_pack_comes_after_its_last_byte() -> None:
    frames = list(FrameParser().feed(STREAM))
    assert [type(frame) for frame in frames] == [WordFrame, PackPart, WordFrame, WordFrame]
    (announced,) = [frame for frame in frames if isinstance(frame, WordFrame) and frame.word.bytes]
    assert announced.word == Word("receive", bytes=len(PACK))


def test_a_word_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(WireError, match="say"):
        list(FrameParser().feed(b'{"say": "jump"}\n'))
