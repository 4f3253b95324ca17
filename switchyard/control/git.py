"""git on the operator's repository: told which one, away from the ambient environment, and without writing to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from switchyard.core.errors import BadInput, NotChecked, Refused, SwitchyardError

GIT_WITHIN = 600
"""Seconds in which a git command must end."""
READ_ONLY = {
    "GIT_OPTIONAL_LOCKS": "0",  # status would refresh the index
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # a pack never carries replacements, so a release has none
    "GIT_TERMINAL_PROMPT": "0",
}
SETTINGS = {
    "core.fsmonitor": "false",  # starts a daemon that writes beside the index
    "core.splitIndex": "false",  # a copy of the index would write its other part there
    "filter.lfs.clean": "",  # stores objects
    "filter.lfs.process": "",
    "filter.lfs.required": "false",
    "log.showSignature": "false",
}
"""Settings of the operator's git that would write to the repository, or change what it prints."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return git's environment: the operator's own without any variable of git's, and ``more``."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**others, **READ_ONLY, **(more or {})}


def git(
    repository: Path, *words: str, check: bool = True, data: bytes | None = None, more: Mapping[str, str] | None = None
) -> bytes:
    """Return what git prints of the repository whose top is this folder.

    With ``check``, raise ``BadInput`` with git's own message if it fails. ``more``: further variables.
    """
    done = run(argv(repository, *words), data=data, more=more)
    if check and done.returncode != 0:
        raise failure(repository, words[0], done.stderr)
    return done.stdout


def failure(repository: Path, command: str, errors: bytes) -> SwitchyardError:
    """Return the error for a git command that failed, from what git printed."""
    text = errors.decode(errors="replace").strip()
    if "promisor remote" in text:
        return Refused(
            f"{repository} is a partial clone that lacks objects of the release. Run: git -C {repository} fetch "
            "--refetch --no-filter (in CI: clone without a filter)"
        )
    return BadInput(f"{repository}: git {command}: {text}")


def argv(repository: Path, *words: str) -> list[str]:
    """Return a git command that looks nowhere but at this repository."""
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    place = ["--git-dir", str(repository / ".git"), "--work-tree", str(repository)]
    return ["git", "-C", str(repository), *place, *settings, *words]


def top_of(folder: Path) -> Path:
    """Return the top of the work tree that a folder is in. Raise ``BadInput`` for one that is in none."""
    if not folder.is_dir():
        raise BadInput(f"app.path: {folder} is not a folder")
    done = run(["git", "-C", str(folder), "rev-parse", "--is-inside-work-tree"])
    if done.returncode != 0:
        raise BadInput(f"app.path: {folder}: {done.stderr.decode(errors='replace').strip()}")
    if done.stdout.strip() != b"true":
        raise BadInput(
            f"app.path: {folder} has no work tree: it is a bare repository, or git's own folder. Name a folder of a "
            f"clone: git clone {folder} NAME"
        )
    top = run(["git", "-C", str(folder), "rev-parse", "--show-toplevel"])
    return Path(os.fsdecode(top.stdout.rstrip(b"\n"))).resolve()


def run(
    argv: list[str], *, data: bytes | None = None, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run git. Raise ``NotChecked`` where it is not installed, or does not end."""
    try:
        return subprocess.run(
            argv, capture_output=True, input=data, check=False, timeout=GIT_WITHIN, env=environment(more)
        )
    except FileNotFoundError:
        raise NotChecked("git is not installed on this machine. Install it, then run the command again") from None
    except subprocess.TimeoutExpired:
        raise NotChecked(f"git did not end within {GIT_WITHIN} s") from None
