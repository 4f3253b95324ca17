"""A channel whose connection is lost: it follows the attempt again, gives up in time, and repeats what was lost."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.control import channel as module
from switchyard.control.channel import LOST_WITHIN, Channel, require_app
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.wire.answers import Env
from switchyard.core.wire.events import AnswerEvent, End, Event, StepBegins
from switchyard.core.wire.request import Request, Word


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Replay:
    """An execution that says these events, then lasts for so many seconds until its connection is lost."""

    def __init__(self, clock: Clock, seconds: float, events: list[Event | BaseException]) -> None:
        self.clock, self.seconds, self.events = clock, seconds, list(events)
        self.written: list[dict[str, Any]] = []
        self.request: Request | None = None

    def begin(self, request: Request) -> None:
        self.request = request

    def next_event(self) -> Event | None:
        if self.events:
            event = self.events.pop(0)
            if isinstance(event, BaseException):
                raise event
            return event
        self.clock.sleep(self.seconds)
        self.seconds = 0
        return None

    def write(self, data: bytes) -> None:
        self.written.append(json.loads(data))

    def close(self) -> None:
        pass


class Host:
    """A host whose executions go as in a script, one after the other; the last goes on for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *script: tuple[float, list[Event | BaseException]]) -> None:
        self.clock, self.script, self.executions = Clock(), list(script), []
        monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(module, "Execution", self.execute)
        for name in ("unconnected", "connect"):
            monkeypatch.setattr(module, name, lambda *_: SimpleNamespace(close=lambda: None, is_connected=True))
        host = SimpleNamespace(name="prod", checkout=Path("/proc/nowhere"), setting=SimpleNamespace(root="/r"))
        self.channel = Channel(host, SimpleNamespace(name="prod1"), "web")

    def execute(self, *_: Any) -> Replay:
        script = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.executions.append(Replay(self.clock, *script))
        return self.executions[-1]

    @property
    def seen(self) -> list[int]:
        """How many events each execution after the first was told to leave out."""
        return [execution.request.seen for execution in self.executions[1:]]

    def deploy(self) -> Channel:
        """Start an attempt."""
        self.channel.start(Request("deploy", "web", "/r", attempt="one"))
        return self.channel


LOST: tuple[float, list[Event | BaseException]] = (0.0, [])
STEP = StepBegins("up", "green")


def test_a_channel_that_ctrl_c_interrupts_while_it_is_followed_again_is_lost_still(monkeypatch):
    host = Host(monkeypatch, LOST)
    channel = host.deploy()
    tries: list[BaseException] = [KeyboardInterrupt(), NotChecked("out of reach")]

    def connect(*_: Any) -> None:
        raise tries.pop(0)

    monkeypatch.setattr(module, "connect", connect)
    with pytest.raises(KeyboardInterrupt):
        next(channel.events())
    monkeypatch.setattr(module, "LOST_WITHIN", 0.0)
    with pytest.raises(NotChecked, match="did not come back"):
        next(channel.events())


def test_a_host_that_cannot_be_followed_is_given_up_after_a_while_and_not_asked_without_end(monkeypatch):
    host = Host(monkeypatch, LOST)
    with pytest.raises(NotChecked, match=f"did not come back within {LOST_WITHIN:.0f} s. The host program goes on"):
        next(host.deploy().events())
    assert LOST_WITHIN <= host.clock.now - 1000 < LOST_WITHIN + 3 and len(host.executions) < LOST_WITHIN + 4


def test_a_channel_that_is_lost_again_and_again_is_followed_again_for_as_long_as_it_brings_something(monkeypatch):
    often = [(20.0, [STEP])] * 5 + [(LOST_WITHIN + 10, [])] * 5
    host = Host(monkeypatch, LOST, *often, (0.0, [End("live", 0, "")]))
    assert [type(event) for event in host.deploy().events()] == [StepBegins] * 5 + [End]
    assert host.seen == [0, 1, 2, 3, 4, *[5] * 6]


CANCELLED = End("cancelled", 130, "no word")
SUPERSEDED = End("superseded", 1, "no word")


def test_who_was_cancelled_unasked_looks_again_at_what_has_become_of_it_and_is_told_of_a_takeover(monkeypatch):
    host = Host(monkeypatch, LOST, (0.0, [CANCELLED]), (0.0, [SUPERSEDED]))
    assert list(host.deploy().events()) == [SUPERSEDED]
    assert host.seen == [0, 0]


def test_who_cannot_look_again_is_told_what_was_heard(monkeypatch):
    def gone(*_: Any) -> None:
        raise NotChecked("out of reach")

    host = Host(monkeypatch, (0.0, [CANCELLED]), LOST)
    channel = host.deploy()
    monkeypatch.setattr(module, "connect", gone)
    assert list(channel.events()) == [CANCELLED]


@pytest.mark.parametrize("by_ctrl_c", [False, True])
def test_a_channel_cut_while_sending_cancels_and_says_that_it_was_the_line_and_not_the_operator(monkeypatch, by_ctrl_c):
    host = Host(monkeypatch, LOST, (0.0, [CANCELLED]))
    channel = host.deploy()
    monkeypatch.setattr(host.executions[0], "write", lambda data: None)
    channel.send(b"pack")
    if by_ctrl_c:
        channel.cancel()
    next(channel.events())
    why = "the connection was lost while the release was being sent. Run the command again"
    assert host.executions[1].written == [{"say": "cancel"} if by_ctrl_c else {"say": "cancel", "why": why}]


def test_a_word_that_a_lost_connection_may_have_swallowed_is_said_again(monkeypatch):
    host = Host(monkeypatch, LOST, (0.0, [End("live", 0, "")]))
    channel = host.deploy()
    channel.say(Word("switch"))
    next(channel.events())
    assert host.executions[1].written == [{"say": "switch"}]


def test_what_was_asked_before_on_the_same_channel_is_no_event_of_the_attempt(monkeypatch):
    """Otherwise the first event that a lost connection did not bring would be passed over."""
    host = Host(monkeypatch, (0.0, [AnswerEvent({"env": "A=1"})]), LOST, (0.0, [SUPERSEDED]))
    assert host.channel.ask(host.channel.request("env"), Env) == Env("A=1")
    assert list(host.deploy().events()) == [SUPERSEDED]
    assert host.seen == [0, 0]


def test_an_application_without_a_name_is_an_error_that_names_the_setting():
    assert require_app("web", "prod") == "web"
    with pytest.raises(BadInput, match=r"hosts\.prod: no application is named"):
        require_app(None, "prod")
