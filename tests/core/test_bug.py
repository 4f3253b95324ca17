"""A mistake of Switchyard: where it is, and nothing of what it worked on."""

from __future__ import annotations

from switchyard.core.bug import describe_bug


def test_the_place_is_told_and_the_words_are_not():
    try:
        b"\xff hunter2".decode()
    except UnicodeDecodeError as error:
        words = describe_bug("the host program", error)
    assert words.startswith("the host program has a bug: UnicodeDecodeError at test_bug.py:") and "hunter" not in words
    assert describe_bug("Switchyard", ValueError("hunter2")) == "Switchyard has a bug: ValueError"


def test_what_the_system_says_of_a_file_is_told():
    denied = PermissionError(13, "Permission denied", "/srv/x")
    assert describe_bug("it", denied) == "it has a bug: PermissionError: Permission denied: /srv/x"
    assert describe_bug("it", OSError("hunter2")) == "it has a bug: OSError"
