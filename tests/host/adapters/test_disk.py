"""Disks, full and with room."""

from __future__ import annotations

import errno

import pytest

from switchyard.host.adapters import disk
from switchyard.host.adapters.disk import Reserve, describe_full, free_bytes


def test_each_disk_is_named_once_and_what_is_not_here_not_at_all(tmp_path):
    disks = free_bytes(str(tmp_path), str(tmp_path / "nowhere"), str(tmp_path.parent), "/dev/shm")
    assert list(disks) == [str(tmp_path), "/dev/shm"] and all(free > 0 for free in disks.values())


def test_a_disk_without_inodes_is_told_from_a_full_one(tmp_path, monkeypatch):
    assert "is full" in describe_full(tmp_path)
    assert "is full" in describe_full(tmp_path / "gone")


def test_what_finds_the_disk_full_is_done_again_with_the_room_of_the_reserve_once(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "RESERVE", 1 << 12)
    reserve = Reserve(tmp_path)
    reserve.keep()
    tries: list[bool] = []

    def write() -> None:
        tries.append((tmp_path / "reserve").exists())
        raise OSError(errno.ENOSPC, "No space left on device")

    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            reserve.spending(write)
    assert tries == [True, False, False]
