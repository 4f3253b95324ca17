"""``inv preview``: what it opens it closes, and it says so last."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from switchyard.control import tunnel
from switchyard.core.errors import NOT_CHECKED, BadInput, NotChecked
from switchyard.core.wire.answers import Preview, Previews
from switchyard.core.wire.events import Event
from switchyard.core.wire.request import Request
from switchyard.verbs import preview as module
from tests.harness.answering_host import AnsweringChannel, replace_host
from tests.harness.told_channel import end

ANSWER = Previews("blue", 1_700_000_000, (Preview("0.0.0.0:8080", 20000, "http"), Preview("6379", 20001, "tcp")))


class Channel(AnsweringChannel):
    """A machine that opens, answers and closes, behind an SSH connection whose tunnels lead nowhere."""

    def __init__(self, *ends: Event, answer: Previews | NotChecked = ANSWER) -> None:
        super().__init__("one", answer)
        self.ends = list(ends)
        self.connection = SimpleNamespace(transport=self)  # type: ignore[assignment]
        self.is_there = True
        self.started: list[Request] = []

    def start(self, request: Request) -> None:
        super().start(request)
        self.started.append(request)

    def events(self) -> Iterator[Event]:
        yield self.ends.pop(0)

    def is_active(self) -> bool:
        return self.is_there

    def open_channel(self, *_: object, timeout: float) -> object:
        return SimpleNamespace(close=lambda: None, eof_received=False)


OPENED, CLOSED = end("opened", 0, "the previews of blue"), end("closed", 0, "the previews of blue")


def run(monkeypatch: pytest.MonkeyPatch, channel: Channel, *, within: int = 60) -> int:
    replace_host(monkeypatch, module, channel)
    return module.preview(SimpleNamespace(), "prod", colour="idle", within=within)  # type: ignore[arg-type]


def asked(channel: Channel) -> list[tuple[str | None, int | None]]:
    return [(request.colour, request.seconds) for request in channel.started]


@pytest.mark.parametrize("how", ["time", "Ctrl-C"])
def test_previews_are_closed_when_time_is_over_or_at_control_c_and_the_last_line_says_so(monkeypatch, capsys, how):
    channel = Channel(OPENED, CLOSED)
    if how == "Ctrl-C":
        monkeypatch.setattr(module, "_wait", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run(monkeypatch, channel, within=1) == 0
    assert asked(channel) == [("idle", 1), ("blue", 0)]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "one: opened: the previews of blue" and lines[-1] == "one: closed: the previews of blue"
    assert lines[1].startswith("  one: 0.0.0.0:8080 of blue: http://127.0.0.1:")
    assert lines[2].startswith("  one: 6379 of blue: 127.0.0.1:")


def test_previews_that_are_refused_are_not_closed(monkeypatch, capsys):
    channel = Channel(end("refused", 4, "blue runs nothing"))
    assert run(monkeypatch, channel) == 4
    assert asked(channel) == [("idle", 60)] and "blue runs nothing" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["connection", "forwarding"])
def test_previews_are_closed_also_where_the_connection_is_lost_or_forwards_nothing(monkeypatch, capsys, what):
    channel = Channel(OPENED, CLOSED)
    if what == "connection":
        channel.is_there = False
        monkeypatch.setattr(module, "_forward", lambda *_: None)
    else:
        monkeypatch.setattr(tunnel.Tunnel, "_open", lambda self: (_ for _ in ()).throw(NotChecked("forwards nothing")))
    assert run(monkeypatch, channel) == NOT_CHECKED
    assert asked(channel)[-1] == ("blue", 0) and "one: closed" in capsys.readouterr().out.splitlines()[-1]


def test_where_they_cannot_be_closed_the_last_line_says_when_they_close_by_themselves(monkeypatch, capsys):
    channel = Channel(OPENED, end("refused", 75, "bob deploys"))
    assert run(monkeypatch, channel, within=1) == 75
    assert capsys.readouterr().out.splitlines()[-1] == ("one: the previews of blue close by themselves at 22:13:20 UTC")


def test_previews_that_somebody_closed_meanwhile_are_named(monkeypatch, capsys):
    channel = Channel(OPENED, CLOSED, answer=Previews("blue", 0, ()))
    assert run(monkeypatch, channel) == NOT_CHECKED and "closed meanwhile" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "duration"), [("90s", 90), ("15m", 900), ("24h", 86400), (" 1s ", 1)])
def test_a_time_is_a_number_with_its_unit(text, duration):
    assert module.seconds(text) == duration


@pytest.mark.parametrize("text", ["", "15", "0s", "25h", "86401s", "-1m", "1.5h", "²s", "9999999s", "15 m"])
def test_any_other_time_is_refused(text):
    with pytest.raises(BadInput, match="give a time from 1s to 24h"):
        module.seconds(text)
