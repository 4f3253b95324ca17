"""git on this host's bare repositories: without a setting or a filter of the user or the machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import process

ENVIRONMENT = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "HOME": os.devnull,  # where git before 2.32 looks for settings
}


def argv(repository: Path, *words: str) -> list[str]:
    """Return a git command for a bare repository."""
    return ["git", "--git-dir", str(repository), *words]


def printed(repository: Path, *words: str) -> bytes:
    """Return what git prints, byte for byte. Raise with its own message where it fails."""
    done = subprocess.run(
        argv(repository, *words),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=process.environment(ENVIRONMENT),
        timeout=process.RUN_WITHIN,
        check=False,
    )
    if done.returncode != 0:
        raise SwitchyardError(f"git {words[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


@contextmanager
def blobs(repository: Path, ids: Iterable[str]) -> Iterator[IO[bytes]]:
    """Open what ``git cat-file --batch`` prints of these objects."""
    with tempfile.TemporaryFile() as questions:
        questions.write("".join(f"{one}\n" for one in ids).encode())
        questions.seek(0)
        with subprocess.Popen(
            argv(repository, "cat-file", "--batch"),
            stdin=questions,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=process.environment(ENVIRONMENT),
        ) as git:
            assert git.stdout is not None
            yield git.stdout
