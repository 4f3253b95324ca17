"""The bench calls a peer that it did not measure unknown, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import peers


def test_a_peer_is_never_passed_over_in_silence_whether_installed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "PLUGINS", ("~/.docker",))
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = "unknown, not measured: not installed on this machine"
    assert peers.unmeasured() == [f"kamal: {absent}", f"docker-rollout: {absent}"]
    plugin = Path.home() / ".docker" / "cli-plugins" / "docker-rollout"
    plugin.parent.mkdir(parents=True)
    plugin.write_text("#!/bin/sh\n")
    plugin.chmod(0o755)
    present = "docker-rollout: unknown, not measured: installed, but this program does not drive it"
    assert peers.unmeasured() == [f"kamal: {absent}", present]
