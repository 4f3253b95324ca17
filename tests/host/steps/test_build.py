"""The dependencies in a built image: sound, broken, or not checked, which is never a pass."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import process
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt, Cancelled
from switchyard.host.steps import build as images


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    made = Attempt(store, store.attempts, {"verb": "deploy", "app": "web"})
    made.release = "R1"
    store.release("R1").mkdir()
    return made


def check(attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> list[str]:
    """What is told of an image in which the check ends with a code; ``asked`` counts how often it was run."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text(f'#!/bin/sh\necho once >> "{tmp_path}/asked"\necho its last words\nexit {code}\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:/usr/bin:/bin")
    images._pip_check(attempt, "web", "sha256:abc", tick=attempt.tick)
    events = attempt.folder / "events.jsonl"
    return [json.loads(line)["text"] for line in events.read_text().splitlines()] if events.exists() else []


@pytest.mark.parametrize("code", [0, 127])
def test_a_sound_image_and_one_without_python_are_checked_once(attempt, tmp_path, monkeypatch, code):
    for _ in range(2):
        assert check(attempt, tmp_path, monkeypatch, code) == []
    assert (tmp_path / "asked").read_text() == "once\n"


@pytest.mark.parametrize(
    "code,why", [(4, "it has no pip"), (5, "ended with 5"), (125, "ended with 125"), (137, "ended with 137: its last")]
)
def test_a_check_that_could_not_run_is_told_and_run_again_and_fails_nothing(attempt, tmp_path, monkeypatch, code, why):
    for times in (1, 2):
        told = check(attempt, tmp_path, monkeypatch, code)
        assert len(told) == times and "not checked: the Python dependencies in the image of web" in told[-1]
        assert why in told[-1]
    assert (tmp_path / "asked").read_text() == "once\n" * 2


def test_broken_dependencies_fail_the_release(attempt, tmp_path, monkeypatch):
    with pytest.raises(SwitchyardError, match="web: pip check found broken dependencies in its image:\nits last words"):
        check(attempt, tmp_path, monkeypatch, 3)


@pytest.mark.parametrize("pip,code", [(None, 4), ("0", 0), ("1", 3), ("2", 5), ("os.kill(os.getpid(), 9)", 5)])
def test_what_an_interpreter_says_of_its_dependencies_is_its_exit_code(tmp_path, pip, code):
    if pip is not None:
        (tmp_path / "pip.py").write_text(f"import os, sys\nassert sys.argv[1:] == ['check']\nsys.exit({pip})\n")
    argv = [sys.executable, "-S", "-c", images._PIP_CHECK]
    assert subprocess.run(argv, cwd=tmp_path, env={}, check=False).returncode == code


class Over:
    """An attempt that is cancelled."""

    def tick(self) -> None:
        raise Cancelled("enough")


def test_commands_side_by_side_end_with_their_attempt():
    began = time.monotonic()
    with pytest.raises(Cancelled):
        images._at_once(Over(), [partial(process.run, ["sleep", "60"])] * 2)
    assert time.monotonic() - began < 10
