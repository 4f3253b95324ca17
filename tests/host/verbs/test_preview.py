"""A person opens the previews of a colour that runs, for a limited time, and closes them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from switchyard.core.errors import Refused
from switchyard.core.held_routes import HeldRoute
from switchyard.core.wire.answers import Preview
from switchyard.host.adapters.files import write, write_json
from switchyard.host.queries.previews import previews
from switchyard.host.verbs.preview import preview
from tests.harness.fake_engine import listed


@pytest.fixture
def attempt(holder, fake_engine):
    """Green is live; web of R1 runs in blue."""
    write(holder.store.edge / "maps" / "live.map", "live green\n")
    held = [HeldRoute("web", 80, 8080), HeldRoute("queue", 6379, 6379, mode="tcp")]
    write_json(holder.store.edge / "routes.json", [address.encode() for address in held])
    names = ("0.0.0.0:8080_blue", "0.0.0.0:8080_green", "0.0.0.0:6379_blue", "0.0.0.0:6379_green")
    write_json(holder.store.edge / "previews.json", {name: 20000 + number for number, name in enumerate(names)})
    web = listed("web-1", service="web", kind="routed", colour="blue", release="R1")
    fake_engine.know("/containers/json", [web])
    return holder


def ask(attempt, **fields):
    attempt.request = replace(attempt.request, **fields)
    return attempt


def test_the_idle_colour_is_opened_for_the_time_of_the_request_and_closed(attempt):
    ending = preview(ask(attempt, seconds=60))
    assert ending.outcome == "opened" and ending.reason.startswith("the previews of blue (R1) until ")
    answer = previews(attempt.store, attempt.request)
    assert answer.colour == "blue" and 50 < answer.until - time.time() <= 60
    assert answer.each == (Preview("0.0.0.0:8080", 20000, "http"), Preview("0.0.0.0:6379", 20002, "tcp"))
    assert (attempt.store.edge / "maps" / "previews.map").read_text().startswith("blue ")
    assert preview(ask(attempt, seconds=0, colour="blue")) == ("closed", 0, "the previews of blue", None)
    assert previews(attempt.store, attempt.request).each == ()


def test_a_colour_that_runs_nothing_is_named_and_stays_closed(attempt, fake_engine):
    fake_engine.know("/containers/json", [])
    with pytest.raises(Refused, match="blue runs nothing to look at"):
        preview(ask(attempt, seconds=60, colour="blue"))
    assert attempt.store.held_previews() == {}
