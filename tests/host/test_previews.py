"""Previews are open while an attempt smokes or a person holds them open, each without closing the other's."""

from __future__ import annotations

import time

import pytest

from switchyard.core import edge
from switchyard.core.errors import Refused, SwitchyardError
from switchyard.host import previews
from switchyard.host.adapters.files import write
from switchyard.host.adapters.lease import Superseded


@pytest.fixture
def attempt(holder):
    write(holder.store.edge / "maps" / "live.map", "live green\n")
    return holder


def ends(attempt) -> dict[str, float]:
    """Return how many seconds the map leaves each colour's previews open."""
    words = (line.split() for line in (attempt.store.edge / "maps" / "previews.map").read_text().splitlines())
    return {colour: int(until) - time.time() for colour, until in words}


def test_an_attempt_opens_its_colour_meanwhile_and_for_a_limited_time(attempt):
    with previews.opened(attempt, "blue"):
        assert ends(attempt).keys() == {"blue"}
        assert previews.SMOKES_WITHIN - 60 < ends(attempt)["blue"] <= previews.SMOKES_WITHIN
    assert ends(attempt) == {}
    with pytest.raises(SwitchyardError), previews.opened(attempt, "blue"):
        raise SwitchyardError("smoke")
    assert ends(attempt) == {}


def test_what_a_person_holds_open_outlives_the_smoke_of_an_attempt(attempt):
    until = int(time.time()) + 5000
    previews.hold(attempt.store, attempt.proxy, "blue", until)
    with previews.opened(attempt, "blue"):
        assert ends(attempt)["blue"] > 4000
    assert ends(attempt)["blue"] > 4000
    with previews.opened(attempt, "green"):
        assert ends(attempt).keys() == {"blue", "green"}
    assert ends(attempt).keys() == {"blue"}
    previews.hold(attempt.store, attempt.proxy, "blue", 0)
    assert ends(attempt)["blue"] < 0


def test_an_attempt_that_lost_its_lease_leaves_the_previews_to_the_time_limit(attempt):
    with pytest.raises(Superseded), previews.opened(attempt, "blue"):
        attempt.lease.number += 1
    assert ends(attempt)["blue"] > 0


def test_who_settles_closes_what_a_dead_attempt_left_open(attempt):
    attempt.proxy.fill("previews", edge.previews_map({"blue": int(time.time()) + 600}))
    previews.settle(attempt.store, attempt.proxy)
    assert ends(attempt) == {}


@pytest.mark.parametrize(
    ("word", "colour"), [("idle", "blue"), (None, "blue"), ("live", "green"), ("blue", "blue"), ("green", "green")]
)
def test_the_live_and_the_idle_colour_are_those_of_the_edge(attempt, word, colour):
    assert previews.chosen(attempt.proxy, word) == colour


def test_while_nothing_is_live_the_colour_must_be_named(attempt):
    write(attempt.store.edge / "maps" / "live.map", "live none\n")
    assert previews.chosen(attempt.proxy, "blue") == "blue"
    with pytest.raises(Refused, match="name the colour with --colour blue or --colour green"):
        previews.chosen(attempt.proxy, "idle")
