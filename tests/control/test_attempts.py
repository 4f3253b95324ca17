"""The attempts of a verb on several machines, and what is shown of them."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.control.attempts import acknowledge, cancel, report
from switchyard.control.journal_heads import LACKS
from switchyard.control.machine_attempt import MachineAttempt
from switchyard.control.screen import Screen
from switchyard.core.wire.events import End, Hello, Switched
from tests.harness.told_channel import CANCELLED, HELLO, OLD, SWITCHED, ToldChannel, end
from tests.harness.web_server import serving

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


@pytest.mark.parametrize("journal", ["", LACKS])
def test_a_verb_that_acted_says_that_the_journal_lacks_what_this_checkout_saw(capsys, journal):
    channel = ToldChannel("a", end("live"))
    (attempt,) = attempts(channel)
    attempt.follow_to(End)
    channel.journal = journal
    assert report([attempt], Screen(as_json=False)) == 0
    assert ("a: journal: the journal lacks lines" in capsys.readouterr().out) is bool(journal)


@pytest.mark.parametrize("status,outcome,code", [(200, "live", 0), (500, "unverified", 6)])
def test_a_release_whose_last_probes_failed_is_unverified_whatever_its_host_says_and_the_host_is_told(
    capsys, status, outcome, code
):
    channel = ToldChannel("a", HELLO, SWITCHED, end("live"))
    (attempt,) = attempts(channel)
    attempt.follow_to(Hello)
    with serving(lambda: status if attempt.has_switched else 200) as address:
        attempt.probe(address)
        assert attempt.prober is not None
        attempt.follow_to(Switched)
        while attempt.prober.sent < 6:
            time.sleep(0.01)
        attempt.follow_to(End)
        assert report([attempt], Screen(as_json=False)) == code
    acknowledge([attempt])
    assert attempt.end is not None and attempt.end.outcome == outcome
    assert [bool(why) for why in channel.shown] == [code != 0]
    output = capsys.readouterr().out
    assert f"live is {OLD} ({'good' if code == 0 else 'unverified'})" in output, output
    assert ("probes of the public address failed (500)" in output) is (code != 0), output
