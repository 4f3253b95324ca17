"""No value of the env stays in a text: whole, by line, out of URLs, and however a text escapes it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard.core.redact import GONE, LEAST, redact, redact_all, spellings

CANARY = "canary-3f9a1c77d2"


@given(st.text(min_size=LEAST), st.text(), st.text())
def test_no_value_is_left_in_a_text_that_holds_it_alone_or_as_json(value, before, after):
    text = redact(f"{before} {value} {after}", spellings([value]))
    assert value not in text or value in GONE * LEAST
    assert value not in json.loads(redact_all([json.dumps({"v": value})], spellings([value]))[0] or '""').values()


@pytest.mark.parametrize(
    "value,text",
    [
        (f"postgres://user:{CANARY}@db:5432/shop", f'password "{CANARY}" is wrong for user'),
        ("redis://:p%40ss-word-1@cache", "AUTH p@ss-word-1 failed"),
        (f"-----BEGIN KEY-----\n{CANARY}\n-----END KEY-----\n", f"cannot parse line 2: {CANARY}"),
        ('it\'s "quoted" ☃', json.dumps({"env": 'it\'s "quoted" ☃'})),
    ],
)
def test_a_part_of_a_value_that_is_secret_by_itself_goes_too(value, text):
    shown = redact(text, spellings([value]))
    assert GONE in shown and CANARY not in shown and "p@ss" not in shown and "quoted" not in shown


def test_short_values_and_words_inside_others_stay():
    assert redact("sandbox of box and boxing", spellings(["box", "boxing"])) == f"sandbox of box and {GONE}"
    assert redact("a reboxing", spellings(["boxing"])) == "a reboxing"
