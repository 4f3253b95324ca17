"""The receipt: which end decides, what it says of what is live, and errors before any attempt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.control.receipt import UNSEEN, decisive_end, describe_live, early_end
from switchyard.core.wire.events import End
from tests.harness.machine_answers import live_release

LIVE = replace(live_release(), id="r1", state="good")


def test_the_release_that_is_live_is_named():
    assert describe_live(replace(UNSEEN, live=LIVE, looked=True)) == "live is r1 (good)"


def test_nothing_is_live_only_where_somebody_looked():
    assert describe_live(replace(UNSEEN, looked=True)) == "nothing is live"
    assert describe_live(UNSEEN) == "what is live is unknown. Look with inv status"


def test_of_several_machines_the_one_that_failed_decides():
    ends = [End("live", code, "") for code in (0, 130, 6, 5)]
    assert [decisive_end(ends[:count]).exit for count in (1, 2, 3, 4)] == [0, 130, 6, 5]


@pytest.mark.parametrize("code,outcome", [(1, "failed"), (2, "bad input"), (3, "not checked"), (4, "refused")])
def test_an_end_before_the_answer_is_named_by_its_exit_code(code, outcome):
    assert early_end(code, "why").outcome == outcome
