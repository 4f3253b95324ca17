"""A JSON text is refused where it holds what no program of ours writes, and no reader could work with."""

from __future__ import annotations

import json

import pytest

from switchyard.core.wire.json_text import parse


@pytest.mark.parametrize("value", [None, {"a": [1, -2.5, "é😀", True]}, 2**63 - 1, "\\ud800", {"deep": [[[[]]]]}])
def test_what_a_program_writes_is_read(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert parse(text) == parse(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("NaN", "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("1e999", "too large"),
        (str(2**63), "too large"),
        ("9" * 5000, "."),
        ('"\\ud83d"', "half a character"),
        ('{"\\uDC00": 1}', "half a character"),
        (b"\xff", "can't decode"),
        ("{} {}", "Extra data"),
    ],
)
def test_what_none_writes_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        parse(text)
