"""The dependencies in a built image: sound, broken, or not checked, which is never a pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.steps.pip_check import PROGRAM, check_dependencies


class Image:
    """An image in which the check ends with a code."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.docker = folder / "bin" / "docker"
        self.docker.parent.mkdir()
        monkeypatch.setenv("PATH", f"{self.docker.parent}:/usr/bin:/bin")
        self.messages: list[str] = []

    def check(self, code: int) -> list[str]:
        """Check the image, and return what was told of it so far."""
        self.docker.write_text(f'#!/bin/sh\necho once >> "{self.folder}/runs"\necho its last words\nexit {code}\n')
        self.docker.chmod(0o755)
        check_dependencies(self.folder, lambda text: None, self.messages.append, "web", "sha256:abc", tick=lambda: None)
        return self.messages

    @property
    def runs(self) -> int:
        """How often the check ran in the image."""
        return len((self.folder / "runs").read_text().splitlines())


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    return Image(tmp_path, monkeypatch)


@pytest.mark.parametrize("code", [0, 127])
def test_a_sound_image_and_one_without_python_are_checked_once(image, code):
    for _ in range(2):
        assert image.check(code) == []
    assert image.runs == 1


@pytest.mark.parametrize(
    "code,why", [(4, "it has no pip"), (5, "ended with 5"), (125, "ended with 125"), (137, "ended with 137: its last")]
)
def test_a_check_that_could_not_run_is_told_and_run_again_and_fails_nothing(image, code, why):
    for times in (1, 2):
        messages = image.check(code)
        assert len(messages) == times and "not checked: the Python dependencies in the image of web" in messages[-1]
        assert why in messages[-1]
    assert image.runs == 2


def test_broken_dependencies_fail_the_release(image):
    with pytest.raises(SwitchyardError, match="web: pip check found broken dependencies in its image:\nits last words"):
        image.check(3)


@pytest.mark.parametrize("pip,code", [(None, 4), ("0", 0), ("1", 3), ("2", 5), ("os.kill(os.getpid(), 9)", 5)])
def test_what_an_interpreter_says_of_its_dependencies_is_its_exit_code(tmp_path, pip, code):
    if pip is not None:
        (tmp_path / "pip.py").write_text(f"import os, sys\nassert sys.argv[1:] == ['check']\nsys.exit({pip})\n")
    argv = [sys.executable, "-S", "-c", PROGRAM]
    assert subprocess.run(argv, cwd=tmp_path, env={}, check=False).returncode == code
