"""The commit that a deploy ships; uncommitted changes never ship."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from switchyard.core.errors import BadInput, Refused

GIT_WITHIN = 600
"""Seconds in which a git command must end."""


@dataclass(frozen=True)
class Commit:
    """One commit of the application."""

    repository: Path
    folder: str
    """The application's folder relative to the repository's top; ``.`` for the top itself."""
    id: str
    subject: str
    dirty: tuple[str, ...]
    """Uncommitted changes of the application's folder, one line of ``git status`` each."""


def git(repository: Path, *words: str, check: bool = True, data: bytes | None = None) -> bytes:
    """Return what git prints. With ``check``, raise ``BadInput`` with git's own message if it fails."""
    process = subprocess.run(
        ["git", "-C", str(repository), *words], capture_output=True, input=data, check=False, timeout=GIT_WITHIN
    )
    if check and process.returncode != 0:
        raise BadInput(f"{repository}: git {words[0]}: {process.stderr.decode(errors='replace').strip()}")
    return process.stdout


def pick_commit(app_folder: Path, rev: str | None, *, allow_dirty: bool) -> Commit:
    """Return the commit to ship. Refuse a shallow clone, and unless ``allow_dirty`` also uncommitted changes."""
    if not app_folder.is_dir():
        raise BadInput(f"app.path: {app_folder} is not a folder")
    top = Path(git(app_folder, "rev-parse", "--show-toplevel").decode().strip())
    if git(top, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise Refused(
            f"{top} is a shallow clone, which cannot tell whether a commit descends from the live one. Run: git -C "
            f"{top} fetch --unshallow (in CI: fetch-depth: 0)"
        )
    name = rev or "HEAD"
    resolved = git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", check=False)
    if not resolved:
        raise BadInput(f"{top}: no commit is called {name}")
    commit = resolved.decode().strip()
    changes = tuple(git(top, "status", "--porcelain", "--", str(app_folder)).decode(errors="replace").splitlines())
    if changes and rev is None and not allow_dirty:
        raise Refused(
            f"{top} has uncommitted changes ({changes[0].strip()}{' …' if len(changes) > 1 else ''}). Commit them, or "
            "ship the commit without them with --allow-dirty"
        )
    subject = git(top, "log", "-1", "--format=%s", commit).decode(errors="replace").strip()
    return Commit(top, str(app_folder.relative_to(top)), commit, subject, changes)


def missing_objects(commit: Commit, host_commits: Sequence[str]) -> bytes:
    """Return the pack that a host with these commits needs for this one; empty if it has the commit already."""
    if commit.id in host_commits:
        return b""
    common = [known for known in host_commits if has_commit(commit.repository, known)]
    revisions = "".join(f"{revision}\n" for revision in [commit.id, *(f"^{known}" for known in common)])
    return git(commit.repository, "pack-objects", "--revs", "--stdout", "--thin", "--quiet", data=revisions.encode())


def has_commit(repository: Path, commit: str) -> bool:
    """Return whether a repository has a commit."""
    return git(repository, "cat-file", "-t", commit, check=False).strip() == b"commit"


def descends(commit: Commit, ancestor: str) -> bool | None:
    """Return whether a commit descends from another; None where this repository lacks the other."""
    if not has_commit(commit.repository, ancestor):
        return None
    base = git(commit.repository, "merge-base", ancestor, commit.id, check=False).decode().strip()
    return base == ancestor


def read_file(commit: Commit, name: str) -> str | None:
    """Return the text of a file in the application's folder; None where the commit lacks it."""
    path = name if commit.folder == "." else f"{commit.folder}/{name}"
    if not git(commit.repository, "ls-tree", "--name-only", commit.id, "--", path):
        return None
    return git(commit.repository, "show", f"{commit.id}:{path}").decode(errors="replace")
