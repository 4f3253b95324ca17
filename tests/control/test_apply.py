"""An apply to a machine that does not answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from switchyard.control import apply
from switchyard.control.machine_attempt import MachineAttempt
from switchyard.core.errors import INTERRUPTED, NotChecked
from switchyard.core.wire.events import Confirm, StepBegins
from tests.harness.told_channel import CANCELLED, HELLO, PRESSED, ToldChannel, end


def machines(monkeypatch: pytest.MonkeyPatch, *channels: ToldChannel) -> None:
    """Have an apply find these machines, and no commit to read."""
    setting = SimpleNamespace(machines=[channel.machine for channel in channels], public_keys=())
    host = SimpleNamespace(name="prod", setting=setting, app_folder=Path())
    by_name = {channel.machine.name: channel for channel in channels}
    monkeypatch.setattr(apply.load, "host", lambda *_: host)
    monkeypatch.setattr(apply, "application_of", lambda *_: SimpleNamespace(name="web"))
    monkeypatch.setattr(apply, "pick_commit", lambda *_, **__: SimpleNamespace(folder="."))
    monkeypatch.setattr(apply, "host_env", lambda *_: "")
    monkeypatch.setattr(apply, "read_commit", lambda *_, **__: None)
    monkeypatch.setattr(apply, "prepare_release", lambda *_: None)
    monkeypatch.setattr(MachineAttempt, "send", lambda *_, **__: None)
    monkeypatch.setattr(apply, "Channel", lambda host, machine, app: by_name[machine.name])


@pytest.mark.parametrize("verb,step", [("shared.apply", "apply_shared"), ("edge.apply", "apply_edge")])
def test_control_c_cancels_an_apply_before_it_begins_and_leaves_it_to_the_host_after_that(
    monkeypatch, capsys, verb, step
):
    for events, after, acts, says in (
        ([HELLO], [CANCELLED], ["start", "cancel", "close"], "one: cancelled: nothing live changed"),
        (
            [HELLO, Confirm("?"), StepBegins(step, None)],
            [],
            ["start", "go", "close"],
            "one: detached: the host goes on",
        ),
    ):
        channels = [ToldChannel("one", *events, *PRESSED, after=after), ToldChannel("two", end("applied"))]
        machines(monkeypatch, *channels)
        assert apply.apply_commit(Path(), "prod", verb, rev=None, yes=True) == INTERRUPTED
        assert says in capsys.readouterr().out
        assert [channel.acts for channel in channels] == [acts, []]


@pytest.mark.parametrize("verb", ["shared.apply", "edge.apply"])
def test_apply_to_a_machine_that_does_not_answer_says_so_and_waits_for_nothing(monkeypatch, verb):
    channel = ToldChannel("dead", NotChecked("dead (192.0.2.1:22): no SSH connection within 8 s: timed out"))
    machines(monkeypatch, channel)
    with pytest.raises(NotChecked, match="no SSH connection"):
        apply.apply_commit(Path(), "prod", verb, rev=None, yes=True)
    assert channel.acts == ["start", "close"]
