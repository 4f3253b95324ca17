"""The attempts of a verb on several machines, and what is shown of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from switchyard.control.attempts import cancel, report
from switchyard.control.machine_attempt import MachineAttempt
from switchyard.control.screen import Screen
from switchyard.core.wire.events import End
from tests.harness.told_channel import CANCELLED, ToldChannel, end

PROD: Any = SimpleNamespace(name="prod")


def attempts(*channels: ToldChannel) -> list[MachineAttempt]:
    return [MachineAttempt(PROD, channel, Screen(as_json=False)) for channel in channels]  # type: ignore[arg-type]


def test_only_an_attempt_that_has_begun_and_not_ended_is_cancelled():
    running, idle, over = ToldChannel("a", after=[CANCELLED]), ToldChannel("b"), ToldChannel("c", end("live"))
    running.has_begun = over.has_begun = True
    every = attempts(running, idle, over)
    every[2].follow_to(End)
    cancel(every)
    assert [channel.acts for channel in (running, idle, over)] == [["cancel"], [], []]
    assert [attempt.end for attempt in every] == [CANCELLED, None, end("live")]


def test_an_attempt_whose_end_nobody_saw_is_lost_and_not_a_success(capsys):
    assert report(attempts(ToldChannel("a")), Screen(as_json=False)) == 3
    output = capsys.readouterr().out
    assert "a: lost: the end of the attempt was not seen" in output and "a: what is live is unknown" in output
