"""Peers that are not measured are said to be unknown, with the reason."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "peers.py"


@pytest.fixture
def peers(monkeypatch):
    spec = importlib.util.spec_from_file_location("peers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "peers", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PLUGINS", ("~/.docker",))
    return module


def test_a_peer_is_never_passed_over_in_silence_whether_installed_or_not(peers, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = "unknown, not measured: not installed on this machine"
    assert peers.unmeasured() == [f"kamal: {absent}", f"docker-rollout: {absent}"]
    plugin = Path.home() / ".docker" / "cli-plugins" / "docker-rollout"
    plugin.parent.mkdir(parents=True)
    plugin.write_text("#!/bin/sh\n")
    plugin.chmod(0o755)
    there = "docker-rollout: unknown, not measured: installed, but this program does not drive it"
    assert peers.unmeasured() == [f"kamal: {absent}", there]
