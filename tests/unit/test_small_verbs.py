"""What small verbs, a rollback and a deploy say without a host: of what cannot be meant or is lost, and of Ctrl-C."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.control.channel import UNSEEN
from switchyard.control.screen import Screen
from switchyard.core.errors import INTERRUPTED, BadInput, NotChecked
from switchyard.verbs import apply, deploy, rollback, small
from tests.harness.formats import require


def test_a_command_with_half_a_quote_is_told_before_any_host_is_asked(tmp_path):
    with pytest.raises(BadInput, match="exec: --command it's: No closing quotation"):
        small.execute(tmp_path, "prod", service="web", command="it's")


OLD, NEW = "20260101T000000Z-0000001", "20260102T000000Z-0000002"
HELLO: dict[str, Any] = {
    "event": "hello",
    "facts": {"live": {"id": NEW}, "edge": [], "checks": {}},
    "usual": {},
    "release": OLD,
}
SWITCHED = {"event": "switched", "left": 0}


def end(outcome: str, code: int = 0, reason: str = "") -> dict[str, Any]:
    live = {"id": OLD, "state": "good"} if code == 0 else None
    told = {"outcome": outcome, "exit": code, "reason": reason, "release": OLD, "live": live, "looked": True}
    return {**UNSEEN, "event": "end", "before": NEW, **told}


CANCELLED = end("cancelled", INTERRUPTED, "cancelled by the operator before the switch")
BACK = [HELLO, SWITCHED, end("live")]
PRESSED = [KeyboardInterrupt()]
"""Ctrl-C instead of an event."""
Said = dict[str, Any] | BaseException


class Told:
    """A line that starts or cannot, says what a host says, and after a cancel what it says then."""

    app = "web"

    def __init__(self, name: str, *events: Said, after: Sequence[Said] = ()) -> None:
        self.machine = SimpleNamespace(name=name, address="127.0.0.1")
        self.said, self.after, self.did, self.executions = list(events), list(after), [], 0
        self.followed = False

    def events(self) -> Iterator[dict[str, Any]]:
        while self.said:
            event = self.said.pop(0)
            if isinstance(event, BaseException):
                raise event
            yield event

    def start(self, *_: Any, **__: Any) -> None:
        self.did.append("start")
        if self.said and isinstance(self.said[0], NotChecked):
            raise self.said.pop(0)
        self.executions, self.followed = 1, True

    def say(self, word: str, **_: Any) -> None:
        self.did.append(word)

    def cancel(self) -> None:
        self.did.append("cancel")
        self.said += self.after

    def close(self) -> None:
        self.did.append("close")


def roll_back(monkeypatch: pytest.MonkeyPatch, *lines: Told, as_json: bool = True) -> int:
    """A rollback of these machines; what it prints is for ``capsys``."""
    setting = SimpleNamespace(machines=[line.machine for line in lines], url=None)
    host = SimpleNamespace(name="prod", setting=setting, app_setting=SimpleNamespace(name="web"))
    by_name = {line.machine.name: line for line in lines}
    monkeypatch.setattr(rollback.settings, "host", lambda *_: host)
    monkeypatch.setattr(rollback, "Line", lambda host, machine, app: by_name[machine.name])
    code = rollback.rollback(Path(), "prod", to=None, as_json=as_json)
    assert {line.did[-1] for line in lines} == {"close"}
    return code


def receipt_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    said = json.loads(capsys.readouterr().out)
    require("receipt", said)
    return dict(said)


@pytest.mark.parametrize(
    ("line", "cancels", "outcome", "told"),
    [
        (Told("prod1", HELLO, *PRESSED, after=[CANCELLED]), True, "cancelled", "nothing live changed"),
        (Told("prod1", HELLO, *PRESSED), True, "lost", "asked to cancel, and the end was not seen; see inv status"),
        (Told("prod1", HELLO, SWITCHED, *PRESSED), False, "detached", "the host goes on by itself; see inv status"),
    ],
)
def test_ctrl_c_in_a_rollback_cancels_it_before_the_switch_and_detaches_after_it_and_says_so(
    monkeypatch, capsys, line, cancels, outcome, told
):
    assert roll_back(monkeypatch, line) == INTERRUPTED
    said = receipt_of(capsys)
    assert (said["outcome"], said["reason"], said["exit"]) == (outcome, told, INTERRUPTED)
    assert line.did == ["start", *(["cancel"] if cancels else []), "close"]


def test_ctrl_c_in_a_rollback_of_several_machines_tells_of_each_what_becomes_of_it(monkeypatch, capsys):
    """One is back, one goes on alone, one is cancelled, and one switched before it heard of that."""
    lines = [
        Told("back", *BACK),
        Told("alone", HELLO, SWITCHED, *PRESSED),
        Told("cancelled", HELLO, after=[CANCELLED]),
        Told("late", HELLO, after=BACK[1:]),
    ]
    assert roll_back(monkeypatch, *lines, as_json=False) == INTERRUPTED
    said = capsys.readouterr().out
    assert f"back: live is {OLD} (good)" in said and f"late: live is {OLD} (good)" in said, said
    assert "alone: detached: the host goes on by itself" in said and "alone: what is live was not seen" in said, said
    assert "cancelled: cancelled: nothing live changed" in said, said
    assert [line.did[1:-1] for line in lines] == [[], [], ["cancel"], ["cancel"]]


DEAD = NotChecked("dead (192.0.2.1:22): no SSH connection within 8 s: timed out")


@pytest.mark.parametrize(
    ("sick", "code", "outcome", "reason"),
    [
        (Told("dead", DEAD), 3, "not checked", str(DEAD)),
        (
            Told("cut", HELLO, NotChecked("cut: the connection was lost")),
            3,
            "not checked",
            "cut: the connection was lost",
        ),
        (Told("held", end("refused", 75, "bob holds the lease")), 75, "refused", "held: bob holds the lease"),
        (Told("sick", HELLO, end("failed", 1, "web: exited")), 1, "failed", "sick: web: exited"),
    ],
    ids=lambda value: value.machine.name if isinstance(value, Told) else "",
)
def test_machines_go_back_whatever_becomes_of_another_which_is_named_and_tells_the_exit_code(
    monkeypatch, capsys, sick, code, outcome, reason
):
    assert roll_back(monkeypatch, Told("one", *BACK), sick, Told("two", *BACK)) == code
    said = receipt_of(capsys)
    assert (said["exit"], said["outcome"], said["release"]) == (code, outcome, OLD)
    assert said["reason"] == reason
    assert [machine["name"] for machine in said["hosts"]] == ["one", sick.machine.name, "two"]
    assert [machine["before"] for machine in said["hosts"]] == [NEW, None if sick.executions == 0 else NEW, NEW]


def test_a_rollback_says_how_to_go_forward_again_and_what_its_probes_met(monkeypatch, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        route = {"service": "web", "port": 8000, "listen": free.getsockname()[1]}
    hello = {**HELLO, "facts": {**HELLO["facts"], "edge": [route]}}
    assert roll_back(monkeypatch, Told("one", hello, *BACK[1:]), as_json=False) == 0
    said = capsys.readouterr().out
    assert f"go back with: inv rollback --host prod --to {NEW}   (not warm)" in said, said
    assert "Connection refused" in said, said


def test_a_deploy_tells_of_each_machine_where_the_line_to_one_is_lost_after_a_switch(monkeypatch, capsys):
    monkeypatch.setattr(deploy, "refuse", lambda *_: None)
    monkeypatch.setattr(deploy.Flow, "send", lambda *_: None)
    ready, lost = (
        [HELLO, {"event": "received"}, {"event": "prepared", "rollback": None}],
        "two: the connection was lost",
    )
    lines = [
        Told("one", *ready, SWITCHED, end("live")),
        Told("two", *ready, NotChecked("two: the connection was lost")),
    ]
    host, screen = SimpleNamespace(name="prod"), Screen(as_json=True)
    assert deploy._run(host, lines, SimpleNamespace(), SimpleNamespace(), None, deploy.Options(), screen) == 3
    said = receipt_of(capsys)
    assert (said["outcome"], said["reason"], said["release"]) == ("not checked", lost, OLD)
    assert [machine["name"] for machine in said["hosts"]] == ["one", "two"]
    assert lines[1].did[-1] == "cancel"


def test_a_deploy_whose_line_is_lost_before_any_switch_ends_with_what_was_lost(monkeypatch):
    lines = [Told("one", HELLO), Told("two", NotChecked("two: the connection was lost"))]
    lines[1].start, lines[1].followed = lambda *_, **__: None, True
    with pytest.raises(NotChecked, match="two: the connection was lost"):
        deploy._run(SimpleNamespace(name="prod"), lines, None, None, None, deploy.Options(), Screen(as_json=True))
    assert [line.did[-1] for line in lines] == ["cancel", "cancel"]


def test_ctrl_c_waits_for_no_machine_that_does_not_answer_and_tells_of_it(monkeypatch, capsys):
    class Silent(Told):
        def start(self, *_: Any, **__: Any) -> None:
            silence.wait(60)

    silence, silent = threading.Event(), Silent("silent")
    monkeypatch.setattr(Future, "result", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert roll_back(monkeypatch, silent, Told("cancelled", HELLO, after=[CANCELLED])) == INTERRUPTED
    silence.set()
    assert silent.did == ["close"]
    said = receipt_of(capsys)
    assert "silent: not begun, as far as it is known here; see inv status" in said["reason"]


def test_who_rolls_back_again_is_told_not_to_take_those_that_went_back_further(monkeypatch, capsys):
    assert roll_back(monkeypatch, Told("dead", DEAD), Told("one", *BACK), as_json=False) == 3
    assert f"the others go there with: inv rollback --host prod --to {OLD}" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["apply_shared", "apply_edge"])
def test_apply_to_a_machine_that_does_not_answer_says_so_and_waits_for_nothing(monkeypatch, verb):
    line = Told("dead", DEAD)
    host = SimpleNamespace(name="prod", setting=SimpleNamespace(machines=[line.machine]), app_folder=Path())
    monkeypatch.setattr(apply.settings, "host", lambda *_: host)
    monkeypatch.setattr(apply.settings, "application", lambda *_: SimpleNamespace(name="web"))
    monkeypatch.setattr(apply.source, "pick", lambda *_, **__: SimpleNamespace(folder="."))
    monkeypatch.setattr(apply.source, "show", lambda *_: None)
    monkeypatch.setattr(apply, "env_of", lambda *_: "")
    monkeypatch.setattr(apply, "carried", lambda *_: None)
    monkeypatch.setattr(apply, "Line", lambda *_: line)
    with pytest.raises(NotChecked, match="no SSH connection"):
        apply.apply(Path(), "prod", verb, rev=None, yes=True)
    assert line.did == ["start", "close"]
