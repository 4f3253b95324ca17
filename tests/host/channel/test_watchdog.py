"""The watchdog of an attempt: a program that was killed, or never began, is gone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from switchyard.host.adapters.disk import Reserve
from switchyard.host.adapters.kernel import process_start
from switchyard.host.adapters.life import living
from switchyard.host.channel import watchdog
from switchyard.host.channel.watchdog import BEGINS_WITHIN, Watchdog, is_gone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "request.json").write_text("{}")
    return tmp_path


def test_a_program_is_gone_when_its_process_is(folder):
    with subprocess.Popen(["sleep", "60"]) as program:
        (folder / "process").write_text(f"{program.pid} {process_start(program.pid)}")
        assert not is_gone(folder)
        program.kill()
        program.wait()
        assert is_gone(folder)


def test_a_program_that_holds_its_lock_lives_whatever_its_number_says_here(folder):
    with living(folder, Reserve(folder)):
        held = (folder / "process").read_text()
        with open(folder / "process", "r+") as file:  # the same file, as another PID namespace reads it
            file.write(held.replace(str(os.getpid()), "0" * len(str(os.getpid()))))
        assert not is_gone(folder)
    assert is_gone(folder)


def test_another_process_of_the_same_number_is_not_the_program(folder):
    (folder / "process").write_text(f"{os.getpid()} 1")
    assert is_gone(folder)


def test_a_program_that_does_not_begin_in_time_is_gone(folder):
    assert not is_gone(folder)
    began = (folder / "request.json").stat().st_mtime - BEGINS_WITHIN - 1
    os.utime(folder / "request.json", (began, began))
    assert is_gone(folder)


def test_it_looks_only_as_often_as_it_should(folder, monkeypatch):
    looks = []
    monkeypatch.setattr(watchdog, "is_gone", lambda folder: not looks.append(folder))
    dog = Watchdog(folder)
    assert not dog.finds_it_gone() and looks == []
    dog._looked_at -= watchdog.LOOK_EVERY + 1
    assert dog.finds_it_gone() and not dog.finds_it_gone() and looks == [folder]
