"""A mistake of the host program: where it is, and nothing of what it worked on."""

from __future__ import annotations

from switchyard.host.bug import describe_bug


def test_the_place_is_told_and_the_words_are_not():
    try:
        b"\xff hunter2".decode()
    except UnicodeDecodeError as error:
        assert describe_bug(error).startswith("the host program has a bug: UnicodeDecodeError at test_bug.py:")
    assert describe_bug(ValueError("hunter2")) == "the host program has a bug: ValueError"
