"""An apply to a machine that does not answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from switchyard.control import apply
from switchyard.core.errors import NotChecked
from tests.harness.told_channel import ToldChannel


@pytest.mark.parametrize("verb", ["shared.apply", "edge.apply"])
def test_apply_to_a_machine_that_does_not_answer_says_so_and_waits_for_nothing(monkeypatch, verb):
    channel = ToldChannel("dead", NotChecked("dead (192.0.2.1:22): no SSH connection within 8 s: timed out"))
    host = SimpleNamespace(name="prod", setting=SimpleNamespace(machines=[channel.machine]), app_folder=Path())
    monkeypatch.setattr(apply.load, "host", lambda *_: host)
    monkeypatch.setattr(apply, "application_of", lambda *_: SimpleNamespace(name="web"))
    monkeypatch.setattr(apply, "pick_commit", lambda *_, **__: SimpleNamespace(folder="."))
    monkeypatch.setattr(apply, "host_env", lambda *_: "")
    monkeypatch.setattr(apply, "read_commit", lambda *_: None)
    monkeypatch.setattr(apply, "Channel", lambda *_: channel)
    with pytest.raises(NotChecked, match="no SSH connection"):
        apply.apply_commit(Path(), "prod", verb, rev=None, yes=True)
    assert channel.acts == ["start", "close"]
