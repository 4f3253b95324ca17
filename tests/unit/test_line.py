"""What follows a host when its line is lost, without a host."""

from __future__ import annotations

import json
import queue
import re
import shlex
import subprocess
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from switchyard.control import channel as module
from switchyard.control.channel import LOST_FOR, Line
from switchyard.control.public_address import Address, look
from switchyard.core.app import App
from switchyard.core.errors import NotChecked
from switchyard.settings.model import Machine


class Lost(Line):
    """A line that was lost, with what comes of making it again, time after time."""

    def __init__(self, *tries: BaseException) -> None:
        self._events = queue.Queue()
        self._events.put(None)
        self.tries = list(tries)

    def _follow_again(self) -> None:
        raise self.tries.pop(0)


def test_a_line_that_ctrl_c_interrupts_while_it_is_made_again_is_lost_still():
    line = Lost(KeyboardInterrupt(), NotChecked("out of reach"))
    with pytest.raises(KeyboardInterrupt):
        next(line.events())
    with pytest.raises(NotChecked, match="out of reach"):
        next(line.events())


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Followed(Line):
    """A line that is lost and can be made again: for so many seconds, with these events, until it is lost once more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *made: tuple[float, list[dict[str, Any]]]) -> None:
        self.clock, self.made, self.requests = Clock(), list(made), []
        monkeypatch.setattr(module, "time", self.clock)
        for how in ("unconnected", "connect"):
            monkeypatch.setattr(module, how, lambda *_: SimpleNamespace(close=lambda: None))
        host = SimpleNamespace(name="prod", setting=SimpleNamespace(root="/r"))
        super().__init__(host, SimpleNamespace(name="prod1"), "web")
        self._attempt = "one"
        self._events.put(None)

    def _launch(self, request: dict[str, Any]) -> None:
        self.requests.append(request)
        held, events = self.made.pop(0) if len(self.made) > 1 else self.made[0]
        self._events = queue.Queue()
        for event in [*events, None]:
            self._events.put(event)
        take = self._events.get

        def get(timeout: float) -> dict[str, Any] | None:
            event = take(timeout=timeout)
            self.clock.now += held if event is None else 0
            return event

        self._events.get = get


def test_a_host_that_cannot_be_followed_is_given_up_after_a_while_and_not_asked_without_end(monkeypatch):
    line = Followed(monkeypatch, (0.0, []))
    with pytest.raises(NotChecked, match=f"did not come back within {LOST_FOR:.0f} s. The host program goes on"):
        next(line.events())
    assert LOST_FOR <= line.clock.now - 1000 < LOST_FOR + 3 and len(line.requests) < LOST_FOR + 3


def test_a_line_that_is_lost_again_and_again_is_made_again_for_as_long_as_it_brings_something(monkeypatch):
    step, end = {"event": "step"}, {"event": "end", "exit": 0}
    often = [(20.0, [step])] * 5 + [(LOST_FOR + 10, [])] * 5
    line = Followed(monkeypatch, *often, (0.0, [end]))
    assert [event["event"] for event in line.events()] == ["step"] * 5 + ["end"]
    assert [request["seen"] for request in line.requests] == [0, 1, 2, 3, 4, *[5] * 6]


def test_a_host_that_says_nothing_for_an_hour_is_no_longer_followed(monkeypatch):
    line = Followed(monkeypatch, (0.0, []))
    line._events.get()
    monkeypatch.setattr(module, "SILENT_FOR", 0.01)
    with pytest.raises(NotChecked, match=r"nothing was heard for 0 min. The host program goes on"):
        next(line.events())


CANCELLED = {"event": "end", "exit": 130, "outcome": "cancelled", "reason": "no word"}
SUPERSEDED = {**CANCELLED, "exit": 1, "outcome": "superseded"}


def test_who_was_cancelled_unasked_looks_again_at_what_has_become_of_it_and_is_told_of_a_takeover(monkeypatch):
    line = Followed(monkeypatch, (0.0, [CANCELLED]), (0.0, [SUPERSEDED]))
    assert [event["outcome"] for event in line.events()] == ["superseded"]
    assert [request["seen"] for request in line.requests] == [0, 0]


def test_who_cannot_look_again_is_told_what_was_heard(monkeypatch):
    line = Followed(monkeypatch, (0.0, [CANCELLED]), (0.0, []))

    def gone(*_: Any) -> None:
        raise NotChecked("out of reach")

    events = line.events()
    real = line._launch
    line._launch = lambda request: (real(request), monkeypatch.setattr(module, "connect", gone))
    assert [event["outcome"] for event in events] == ["cancelled"]


@pytest.mark.parametrize("by_ctrl_c", [False, True])
def test_a_line_cut_while_sending_cancels_and_says_that_it_was_the_line_and_not_the_operator(monkeypatch, by_ctrl_c):
    line, written = Followed(monkeypatch, (0.0, [CANCELLED])), []
    monkeypatch.setattr(line, "_write", lambda data: written.append(json.loads(data)))
    line._sending = True
    if by_ctrl_c:
        line.cancel()
    next(line.events())
    why = "the connection was lost while the release was sent; type it again"
    assert written[0] == ({"say": "cancel"} if by_ctrl_c else {"say": "cancel", "why": why})


@pytest.mark.parametrize("port,name", [(22, "10.0.0.9"), (2222, "[10.0.0.9]:2222")])
@pytest.mark.parametrize("mine", [False, True])
def test_a_changed_host_key_is_told_with_the_command_that_removes_the_old_one(tmp_path, monkeypatch, port, name, mine):
    def changed(*_: Any) -> None:
        keys = [paramiko.ECDSAKey.generate() for _ in range(2)]
        raise paramiko.BadHostKeyException(name, *keys)

    monkeypatch.setattr(module.fabric.Connection, "open", changed)
    (tmp_path / ".switchyard").mkdir()
    known = tmp_path / ".switchyard" / "known_hosts"
    key = paramiko.ECDSAKey.generate()
    known.write_text(f"{name if mine else 'elsewhere'} {key.get_name()} {key.get_base64()}\n")
    machine = Machine(name="prod1", address="10.0.0.9", port=port, user="deploy")
    with pytest.raises(NotChecked, match="host key changed") as caught:
        module.connect(SimpleNamespace(checkout=tmp_path), machine)
    command = str(caught.value).split("(", 2)[2].split(")")[0]
    assert shlex.split(command) == ["ssh-keygen", *(["-f", str(known)] if mine else []), "-R", name]
    if mine:
        subprocess.run(shlex.split(command), check=True, capture_output=True)
        assert known.read_text() == ""


def test_what_was_asked_before_on_the_same_line_is_no_event_of_the_attempt(monkeypatch):
    """Else the first event that a lost line did not bring would be passed over."""
    line = Followed(monkeypatch, (0.0, [{"event": "answer", "answer": {}}]), (0.0, []), (0.0, [SUPERSEDED]))
    line.connection = SimpleNamespace(is_connected=True, close=lambda: None)
    assert line.ask("checks") == {}
    line.start("deploy", attempt="two")
    assert [event["outcome"] for event in line.events()] == ["superseded"]
    assert line.requests[-1]["seen"] == 0


@pytest.mark.parametrize("error", [EOFError(), OSError("Socket is closed"), paramiko.SSHException("timed out")])
def test_a_connection_that_breaks_while_something_is_said_is_lost_and_no_traceback(monkeypatch, error):
    """paramiko raises each of these, EOFError where the other side has reset the connection that it writes to."""

    def broken(*_: Any, **__: Any) -> Any:
        raise error

    line = Followed(monkeypatch, (0.0, []))
    line._channel = SimpleNamespace(sendall=broken)
    line.say("seen", verdict="ok")
    line.send("receive", b"pack")
    line._beat(line._channel)
    line.connection = SimpleNamespace(transport=SimpleNamespace(open_session=broken, open_channel=broken))
    with pytest.raises(NotChecked, match=r"prod1: the connection was lost: \S"):
        Line._launch(line, {})
    verdict, why = look(Address("127.0.0.1", 8000, "/", forwarded=True), line, App("web"), "1-abc")
    assert verdict == "unverified" and re.match(r"http://127.0.0.1:8000/ could not be reached from here: \S", why)
