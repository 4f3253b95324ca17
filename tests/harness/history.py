"""Trees of earlier commits, from this repository's own history."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.harness.library import TOP

SECONDS = 60.0


class UnknownCommit(Exception):
    """The history lacks the commit, so nothing that starts from it was checked."""


def export(commit: str, folder: Path, *, repository: Path = TOP) -> Path:
    """Write the tree of a commit into ``folder`` and return it. Raise ``UnknownCommit`` where the history lacks it."""
    git = ["git", "-C", str(repository)]
    archive = subprocess.run([*git, "archive", "--format=tar", commit], capture_output=True, timeout=SECONDS)
    if archive.returncode:
        reason = archive.stderr.decode().strip()
        raise UnknownCommit(
            f"unknown: the history of {repository} lacks commit {commit}, so an upgrade from it was not checked. "
            f"Fetch the whole history (git fetch --unshallow), then run the test again. git says: {reason}"
        )
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True, timeout=SECONDS)
    return folder
