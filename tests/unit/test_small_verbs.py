"""What the small verbs and a rollback say without a host: of what cannot be meant, and of Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from switchyard.core.errors import INTERRUPTED, BadInput
from switchyard.verbs import rollback, small


def test_a_command_with_half_a_quote_is_told_before_any_host_is_asked(tmp_path):
    with pytest.raises(BadInput, match="exec: --command it's: No closing quotation"):
        small.execute(tmp_path, "prod", service="web", command="it's")


HELLO = {"event": "hello", "facts": {"live": None, "edge": [], "checks": {}}, "usual": {}, "release": "old"}
SWITCHED = {"event": "switched", "left": 0}
END = {"event": "end", "exit": INTERRUPTED, "outcome": "cancelled", "reason": "cancelled", "live": None, "looked": True}


class Interrupted:
    """A line on which Ctrl-C is pressed after some events, and what comes after that."""

    machine = SimpleNamespace(name="prod1", address="127.0.0.1")
    app = "web"
    executions = 1

    def __init__(self, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
        self.before, self.after, self.did = before, after, []

    def events(self) -> Iterator[dict[str, Any]]:
        yield from self.before
        self.before = []
        if "cancel" not in self.did:
            raise KeyboardInterrupt
        yield from self.after

    def start(self, *_: Any, **__: Any) -> None:
        self.did.append("start")

    def cancel(self) -> None:
        self.did.append("cancel")

    def close(self) -> None:
        self.did.append("close")


@pytest.mark.parametrize(
    ("before", "after", "did", "outcome", "told"),
    [
        ([HELLO], [END], ["cancel"], "cancelled", "cancelled; nothing live changed"),
        ([HELLO, SWITCHED], [], [], "detached", "detached: the host goes on by itself; see inv status"),
    ],
)
def test_ctrl_c_in_a_rollback_cancels_it_before_the_switch_and_detaches_after_it_and_says_so(
    tmp_path, monkeypatch, capsys, before, after, did, outcome, told
):
    line = Interrupted(before, after)
    setting = SimpleNamespace(machines=[line.machine], url=None)
    host = SimpleNamespace(name="prod", setting=setting, app_setting=SimpleNamespace(name="web"))
    monkeypatch.setattr(rollback.settings, "host", lambda *_: host)
    monkeypatch.setattr(rollback, "Line", lambda *_: line)
    assert rollback.rollback(tmp_path, "prod", to=None, as_json=True) == INTERRUPTED
    said = json.loads(capsys.readouterr().out)
    assert (said["outcome"], said["reason"], said["exit"]) == (outcome, told, INTERRUPTED)
    assert line.did == ["start", *did, "close"]
