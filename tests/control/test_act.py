"""An acting verb on every machine of a host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.control import act
from switchyard.core.errors import INTERRUPTED, UNVERIFIED
from switchyard.core.wire.events import StepBegins
from tests.harness.answering_host import replace_host
from tests.harness.machine_answers import live_release
from tests.harness.told_channel import CANCELLED, PRESSED, ToldChannel, end


def test_every_machine_acts_in_turn_and_the_first_failure_is_the_exit_code(monkeypatch, capsys):
    channels = [ToldChannel("one", end("restarted")), ToldChannel("two", end("failed", 1, "web: exited"))]
    channels.append(ToldChannel("three", end("refused", 4, "nothing is live here")))
    replace_host(monkeypatch, act, *channels)
    assert act.act_on_host(Path(), "prod", lambda channel: channel.request("restart")) == 1
    assert capsys.readouterr().out.splitlines() == [
        "one: restarted",
        "two: failed: web: exited",
        "two: nothing is live",
        "three: refused: nothing is live here",
    ]
    assert [channel.acts for channel in channels] == [["start", "close"]] * 3


STARTED = StepBegins("restart", "blue")


@pytest.mark.parametrize(
    "events,after,acts,says",
    [
        ([], [CANCELLED], ["start", "cancel", "close"], "one: cancelled: nothing live changed"),
        ([STARTED], [], ["start", "close"], "one: detached: the host goes on by itself"),
    ],
    ids=["before it touches what is live", "after it"],
)
def test_control_c_cancels_before_anything_live_changes_and_detaches_after_it_and_no_other_machine_begins(
    monkeypatch, capsys, events, after, acts, says
):
    channels = [ToldChannel("one", *events, *PRESSED, after=after), ToldChannel("two", end("restarted"))]
    replace_host(monkeypatch, act, *channels)
    assert act.act_on_host(Path(), "prod", lambda channel: channel.request("restart")) == INTERRUPTED
    assert says in capsys.readouterr().out
    assert [channel.acts for channel in channels] == [acts, []]


def test_a_program_that_died_tells_what_is_live_as_observed(monkeypatch, capsys):
    died = replace(end("killed", UNVERIFIED, "the host program was killed"), live=replace(live_release(), id="R1"))
    replace_host(monkeypatch, act, ToldChannel("one", died))
    assert act.act_on_host(Path(), "prod", lambda channel: channel.request("scale")) == UNVERIFIED
    assert "one: live is R1 (" in capsys.readouterr().out
