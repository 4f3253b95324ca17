"""A rollback without a host: Ctrl-C, machines that fail, and what the receipt says of each."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from switchyard.control import host_rollback, screen
from switchyard.core.app import Route
from switchyard.core.errors import INTERRUPTED, NotChecked
from switchyard.core.wire.request import Request
from switchyard.verbs import rollback
from tests.harness.formats import require
from tests.harness.told_channel import BACK, CANCELLED, HELLO, NEW, OLD, PRESSED, SWITCHED, ToldChannel, end


def roll_back(monkeypatch: pytest.MonkeyPatch, *channels: ToldChannel, as_json: bool = True) -> int:
    """Roll these machines back; what that prints is for ``capsys``."""
    setting = SimpleNamespace(machines=[channel.machine for channel in channels], url=None)
    host = SimpleNamespace(name="prod", setting=setting, app_setting=SimpleNamespace(name="web"))
    by_name = {channel.machine.name: channel for channel in channels}
    monkeypatch.setattr(rollback.load, "host", lambda *_: host)
    monkeypatch.setattr(host_rollback, "Channel", lambda host, machine, app: by_name[machine.name])
    code = rollback.rollback(Path(), "prod", to=None, as_json=as_json)
    assert {channel.acts[-1] for channel in channels} == {"close"}
    return code


def receipt_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    receipt = json.loads(capsys.readouterr().out)
    require("receipt", receipt)
    return dict(receipt)


@pytest.mark.parametrize(
    ("channel", "cancels", "outcome", "reason"),
    [
        (ToldChannel("prod1", HELLO, *PRESSED, after=[CANCELLED]), True, "cancelled", "nothing live changed"),
        (
            ToldChannel("prod1", HELLO, *PRESSED),
            True,
            "lost",
            "asked to cancel, but its end was not seen. Look with inv status",
        ),
        (
            ToldChannel("prod1", HELLO, SWITCHED, *PRESSED),
            False,
            "detached",
            "the host goes on by itself. Look with inv status",
        ),
    ],
)
def test_ctrl_c_in_a_rollback_cancels_it_before_the_switch_and_detaches_after_it_and_says_so(
    monkeypatch, capsys, channel, cancels, outcome, reason
):
    assert roll_back(monkeypatch, channel) == INTERRUPTED
    receipt = receipt_of(capsys)
    assert (receipt["outcome"], receipt["reason"], receipt["exit"]) == (outcome, reason, INTERRUPTED)
    assert channel.acts == ["start", *(["cancel"] if cancels else []), "close"]


def test_ctrl_c_in_a_rollback_of_several_machines_tells_of_each_what_becomes_of_it(monkeypatch, capsys):
    """One is back, one goes on alone, one is cancelled, and one switched before it heard of that."""
    channels = [
        ToldChannel("back", *BACK),
        ToldChannel("alone", HELLO, SWITCHED, *PRESSED),
        ToldChannel("cancelled", HELLO, after=[CANCELLED]),
        ToldChannel("late", HELLO, after=BACK[1:]),
    ]
    assert roll_back(monkeypatch, *channels, as_json=False) == INTERRUPTED
    output = capsys.readouterr().out
    assert f"back: live is {OLD} (good)" in output and f"late: live is {OLD} (good)" in output, output
    assert "alone: detached: the host goes on by itself" in output and "alone: what is live is unknown" in output, (
        output
    )
    assert "cancelled: cancelled: nothing live changed" in output, output
    assert [channel.acts[1:-1] for channel in channels] == [[], [], ["cancel"], ["cancel"]]


DEAD = NotChecked("dead (192.0.2.1:22): no SSH connection within 8 s: timed out")


@pytest.mark.parametrize(
    ("sick", "code", "outcome", "reason"),
    [
        (ToldChannel("dead", DEAD), 3, "not checked", str(DEAD)),
        (
            ToldChannel("cut", HELLO, NotChecked("cut: the connection was lost")),
            3,
            "not checked",
            "cut: the connection was lost",
        ),
        (ToldChannel("held", end("refused", 75, "bob holds the lease")), 75, "refused", "held: bob holds the lease"),
        (ToldChannel("sick", HELLO, end("failed", 1, "web: exited")), 1, "failed", "sick: web: exited"),
    ],
    ids=lambda value: value.machine.name if isinstance(value, ToldChannel) else "",
)
def test_machines_go_back_whatever_becomes_of_another_which_is_named_and_tells_the_exit_code(
    monkeypatch, capsys, sick, code, outcome, reason
):
    assert roll_back(monkeypatch, ToldChannel("one", *BACK), sick, ToldChannel("two", *BACK)) == code
    receipt = receipt_of(capsys)
    assert (receipt["exit"], receipt["outcome"], receipt["release"]) == (code, outcome, OLD)
    assert receipt["reason"] == reason
    assert [machine["name"] for machine in receipt["hosts"]] == ["one", sick.machine.name, "two"]
    assert [machine["before"] for machine in receipt["hosts"]] == [NEW, None if sick.executions == 0 else NEW, NEW]


def test_a_rollback_says_how_to_go_forward_again_and_what_its_probes_met(monkeypatch, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        route = Route("web", 8000, free.getsockname()[1])
    hello = replace(HELLO, facts=replace(HELLO.facts, routes=(route,)))
    assert roll_back(monkeypatch, ToldChannel("one", hello, *BACK[1:]), as_json=False) == 0
    output = capsys.readouterr().out
    assert f"go back with: inv rollback --host prod --to {NEW}   (not warm)" in output, output
    assert "Connection refused" in output, output


def test_ctrl_c_waits_for_no_machine_that_does_not_answer_and_tells_of_it(monkeypatch, capsys):
    class Silent(ToldChannel):
        def start(self, request: Request) -> None:
            silence.wait(60)

    silence, silent = threading.Event(), Silent("silent")
    monkeypatch.setattr(Future, "result", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert roll_back(monkeypatch, silent, ToldChannel("cancelled", HELLO, after=[CANCELLED])) == INTERRUPTED
    silence.set()
    assert silent.acts == ["close"]
    reason = receipt_of(capsys)["reason"]
    assert "silent: not begun, as far as the control node knows. Look with inv status" in reason


def test_who_rolls_back_again_is_told_not_to_take_those_that_went_back_further(monkeypatch, capsys):
    assert roll_back(monkeypatch, ToldChannel("dead", DEAD), ToldChannel("one", *BACK), as_json=False) == 3
    hint = f"take the other machines there with: inv rollback --host prod --to {OLD}"
    assert hint in capsys.readouterr().out


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (BACK, [""]),
        ((HELLO, end("held", 6, "the worker does not start")), [""]),
        ((HELLO, SWITCHED, *PRESSED), []),
        ((HELLO, SWITCHED, NotChecked("one: the connection was lost")), []),
        ((DEAD,), []),
    ],
    ids=["live", "held", "detached", "lost", "not begun"],
)
def test_the_host_learns_that_an_end_was_shown_only_where_it_was_heard_from_the_host(monkeypatch, events, words):
    channel = ToldChannel("one", *events)
    roll_back(monkeypatch, channel)
    assert channel.shown == words


def test_where_one_machine_did_not_go_back_the_command_is_not_through_for_those_that_did(monkeypatch):
    back, sick = ToldChannel("one", *BACK), ToldChannel("sick", HELLO, end("failed", 1, "web: exited"))
    roll_back(monkeypatch, back, sick)
    assert back.shown == sick.shown == []
    one, two = ToldChannel("one", *BACK), ToldChannel("two", *BACK)
    roll_back(monkeypatch, one, two)
    assert one.shown == two.shown == [""]


def test_an_end_that_went_into_a_closed_pipe_was_shown_to_nobody(monkeypatch):
    def broken() -> NoReturn:
        raise BrokenPipeError

    channel = ToldChannel("one", *BACK)
    monkeypatch.setattr(screen.sys, "stderr", SimpleNamespace(flush=broken, isatty=lambda: False, write=lambda _: 0))
    roll_back(monkeypatch, channel)
    assert channel.shown == []
