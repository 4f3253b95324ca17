"""How a verb ends: each outcome with its exit code."""

from __future__ import annotations

import pytest

from switchyard.core.errors import OK, REFUSED, TAKEN_BACK, UNVERIFIED
from switchyard.host.ending import Ending, ending_of, unchanged
from switchyard.host.memory import Memory


@pytest.mark.parametrize(
    "outcome,verdict,ending",
    [
        ("live", "ok", Ending("live", OK)),
        ("live", "unverified", Ending("unverified", UNVERIFIED)),
        ("taken back", "wrong", Ending("taken back", TAKEN_BACK)),
        ("held", "wrong", Ending("held", UNVERIFIED)),
        ("missing", "unknown", Ending("missing", REFUSED)),
    ],
)
def test_an_outcome_has_its_exit_code_and_only_a_verdict_of_ok_is_live(outcome, verdict, ending):
    assert ending_of(outcome, Memory(verdict=verdict)) == ending


def test_a_verb_that_had_nothing_to_do_succeeds_and_says_why():
    assert unchanged("R1 is live already") == Ending("unchanged", OK, "R1 is live already")
