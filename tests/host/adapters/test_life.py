"""The lock by which a program shows that it lives, in every PID namespace."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import NoReturn

import pytest

from switchyard.host.adapters import life
from switchyard.host.adapters.disk import Reserve
from switchyard.host.adapters.life import LOCKED, PROCESS, is_held, living


def test_a_program_holds_its_lock_while_it_runs_and_whoever_looks_does_not_take_it(tmp_path):
    with living(tmp_path, Reserve(tmp_path)) as lock:
        assert lock == (tmp_path / PROCESS).stat().st_ino
        assert [is_held(tmp_path / PROCESS, lock) for _ in range(2)] == [True, True]
        assert (tmp_path / PROCESS).read_text().split()[0::2] == [str(os.getpid()), LOCKED]
    assert is_held(tmp_path / PROCESS, lock) is False
    assert [path.name for path in tmp_path.iterdir()] == [PROCESS]


def test_a_killed_program_holds_nothing(tmp_path):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with living(tmp_path, Reserve(tmp_path)):
            os.write(writing, b"x")
            signal.pause()
        os._exit(0)
    os.read(reading, 1)
    assert is_held(tmp_path / PROCESS) is True
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert is_held(tmp_path / PROCESS) is False


@pytest.mark.parametrize("stands", ["nothing", "another file", "a link"])
def test_what_stands_elsewhere_says_nothing(tmp_path, stands):
    path = tmp_path / PROCESS
    with living(tmp_path, Reserve(tmp_path)) as lock:
        os.rename(path, tmp_path / "kept")
        if stands == "another file":
            path.write_text("1 1 locked")
        elif stands == "a link":
            path.symlink_to(tmp_path / "kept")
        assert is_held(path, lock) is None


def test_a_file_system_without_locks_leaves_the_process_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(life.fcntl, "flock", refuse)
    with living(tmp_path, Reserve(tmp_path)) as lock:
        assert lock is None and is_held(tmp_path / PROCESS) is None
        assert len((tmp_path / PROCESS).read_text().split()) == 2
