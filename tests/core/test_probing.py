"""What the last probes say of a release: a failure alone says nothing, and what fails at the end is not good."""

from __future__ import annotations

import pytest

from switchyard.core.probing import FAILED_MOST, LAST, Probed, Trouble, trouble

SIGNS = {".": Probed(), "5": Probed("503"), "x": Probed("timed out", is_answer=False)}
GOOD = "." * LAST


def judged(since: str, before: str = GOOD) -> Trouble | None:
    return trouble([SIGNS[sign] for sign in before], [SIGNS[sign] for sign in since])


@pytest.mark.parametrize(
    "since,verdict",
    [
        ("", None),
        (GOOD, None),
        ("5" * 30, "wrong"),
        ("x" * 30, "unverified"),
        (GOOD * 5 + "5" * LAST, "wrong"),
        (GOOD * 5 + "5" * FAILED_MOST, None),
        (GOOD * 5 + "5" * (FAILED_MOST + 1), "wrong"),
        ("5" * 30 + GOOD, None),
        ("5" * 30 + GOOD[2:], None),
        ("5" * 30 + GOOD[3:], "wrong"),
        (".....5......" * 5, None),
        ("5.....x....." * 5, None),
        (".5" * 30, "wrong"),
        ("..5" * 30, "wrong"),
        (".x" * 30, "unverified"),
        ("x5" * 30, "wrong"),
        ("....x55.....", "unverified"),
        ("5" * FAILED_MOST, None),
        ("555", "wrong"),
    ],
)
def test_so_many_of_the_last_probes_decide_and_where_none_answered_the_way_there_may_be_at_fault(since, verdict):
    failing = judged(since)
    assert (failing and failing.verdict) == verdict


@pytest.mark.parametrize(
    "before,verdict", [(GOOD, "wrong"), ("", "wrong"), ("5" * LAST, "unverified"), ("x" * 3 + "." * 9, "unverified")]
)
def test_what_failed_before_the_switch_too_is_no_word_on_the_release_and_no_pass(before, verdict):
    failing = judged("5" * LAST, before)
    assert failing is not None and failing.verdict == verdict


def test_it_says_how_many_failed_and_how():
    assert judged(GOOD + "." * 3 + "5" * 9) == Trouble(
        "wrong", "9 of the last 12 probes of the public address failed (503)"
    )
