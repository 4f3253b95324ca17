"""An acting verb on every machine of a host."""

from __future__ import annotations

from pathlib import Path

from switchyard.control import act
from tests.harness.answering_host import replace_host
from tests.harness.told_channel import ToldChannel, end


def test_every_machine_acts_in_turn_and_the_first_failure_is_the_exit_code(monkeypatch, capsys):
    channels = [ToldChannel("one", end("restarted")), ToldChannel("two", end("failed", 1, "web: exited"))]
    channels.append(ToldChannel("three", end("refused", 4, "nothing is live here")))
    replace_host(monkeypatch, act, *channels)
    assert act.act_on_host(Path(), "prod", lambda channel: channel.request("restart")) == 1
    assert capsys.readouterr().out.splitlines() == [
        "one: restarted",
        "two: failed: web: exited",
        "three: refused: nothing is live here",
    ]
    assert [channel.acts for channel in channels] == [["start", "close"]] * 3
