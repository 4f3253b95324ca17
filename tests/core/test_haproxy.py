"""Text becomes one word of HAProxy's configuration, or is refused."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.core.haproxy import request_path, word


@pytest.mark.parametrize("text", ["web-8000_blue", "127.0.0.1:80", "::1:80", "20260101T000000Z-1234567", "a.B_c"])
def test_names_numbers_and_addresses_stay_as_they_are(text):
    assert word(text) == text


@pytest.mark.parametrize("character", "\n\r\t \0\"'\\#%;{}[]$`|&<>,/é\u2028\x85")
def test_whatever_could_end_a_word_is_refused(character):
    with pytest.raises(BadInput, match="cannot be a name"):
        word(f"web{character}")


def test_nothing_is_no_word():
    with pytest.raises(BadInput):
        word("")


@pytest.mark.parametrize(
    "text,escaped",
    [
        ("/health?full=1&a=b", "/health?full=1&a=b"),
        ("/a%20b", "/a%20b"),
        ("/a b#c", "/a%20b%23c"),
        ("/a\n  bind :9", "/a%0A%20%20bind%20:9"),
        ("/é'\"\\", "/%C3%A9%27%22%5C"),
        ("health", "/health"),
        ("/\ud800", "/%3F"),
    ],
)
def test_a_path_is_escaped_as_in_an_address(text, escaped):
    assert request_path(text) == escaped
