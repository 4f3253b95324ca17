"""Sandbox hosts of two checkouts are told apart, and without docker nobody knows whether any are left."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control.sandbox import hosts
from switchyard.core.errors import NotChecked


def test_each_state_folder_has_an_identity_of_its_own(tmp_path: Path) -> None:
    assert hosts.identity(tmp_path / "one") != hosts.identity(tmp_path / "two")
    assert hosts.identity(tmp_path / "one") == hosts.identity(tmp_path / "two" / ".." / "one")


def test_without_docker_a_sandbox_that_may_be_left_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotChecked, match=r"docker is not on this machine's PATH"):
        hosts.down(state=tmp_path)
