"""What an application's commits may use, as one value."""

from __future__ import annotations

import pytest

from switchyard.core.wire.allowance import NOTHING, Allowance, origin, place

SOME = Allowance(env=("A",), send={"https://x.test": ("T", "U"), "URL": ()}, files=("~/a",))


def test_nothing_is_allowed_by_default_and_nothing_is_lacking_for_no_use():
    assert not NOTHING and not NOTHING.lacking(NOTHING)
    assert NOTHING.lacking(SOME) == SOME and not SOME.lacking(SOME)


def test_what_lacks_is_told_part_by_part():
    use = Allowance(env=("A", "B"), send={"https://x.test": ("T", "V"), "https://y.test": (), "URL": ()}, files=("b",))
    assert SOME.lacking(use) == Allowance(("B",), {"https://x.test": ("V",), "https://y.test": ()}, ("b",))


def test_either_of_two_both_of_two_and_what_is_taken_back():
    other = Allowance(env=("B",), send={"https://x.test": ("U", "V")})
    assert SOME.joined(other) == Allowance(("A", "B"), {"https://x.test": ("T", "U", "V"), "URL": ()}, ("~/a",))
    assert SOME.shared(other) == Allowance(send={"https://x.test": ("U",)})
    assert SOME.without(Allowance(send={"https://x.test": ("T",), "URL": ()})) == Allowance(
        ("A",), {"https://x.test": ("U",)}, ("~/a",)
    )


def test_it_is_written_as_flags_as_a_setting_and_in_words():
    assert SOME.flags() == "--env A --send 'https://x.test=T,U URL=' --files '~/a'"
    assert SOME.setting() == '{env: [A], send: {"https://x.test": [T, U], "URL": []}, files: [~/a]}'
    assert [*SOME.sentences()] == [
        "takes A from this machine's environment",
        "sends T, U to https://x.test",
        "sends a request to URL",
        "looks at ~/a of this machine",
    ]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://X.test:443/a?b#c", "https://x.test"),
        ("HTTP://x.test:8080", "http://x.test:8080"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://u@x.test", None),
        ("https://x.test\\@y.test/", None),
        ("https://x.test\n.y.test/", None),
        ("https://x.test:1:2/", None),
        ("https://", None),
        ("ftp://x.test", None),
        ("https://é.test", None),
    ],
)
def test_an_address_has_one_spelling_and_none_where_programs_could_differ(address, expected):
    assert origin(address) == expected
    assert place(address) == expected


def test_a_place_may_be_a_variable():
    assert place("SCORES_URL") == "SCORES_URL" and place("A B") is None
