"""``inv sandbox.up`` and ``inv sandbox.down`` without an engine."""

from __future__ import annotations

from types import SimpleNamespace

from switchyard.control import sandbox
from switchyard.verbs.sandbox_down import sandbox_down
from switchyard.verbs.sandbox_up import sandbox_up


def test_each_host_that_starts_is_told_with_the_command_that_reaches_it(monkeypatch, tmp_path, capsys):
    host = SimpleNamespace(key="/state/key", port=2222)
    monkeypatch.setattr(sandbox, "up", lambda count, *, state: [host] * count)
    assert sandbox_up(2, state=tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].startswith("ssh -i /state/key ") and "-p 2222 " in lines[0]


def test_down_removes_the_images_too(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(sandbox, "down", lambda **flags: calls.append(flags))
    assert sandbox_down(state=tmp_path) == 0
    assert calls == [{"state": tmp_path, "images": True}]
