"""The commit that a deploy ships; uncommitted changes never ship."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from switchyard.control import lfs
from switchyard.control.git import git, top_of
from switchyard.core.errors import BadInput, Refused


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


def pick_commit(app_folder: Path, rev: str | None, *, allow_dirty: bool) -> Commit:
    """Return the commit to ship. Refuse a shallow clone, and unless ``allow_dirty`` also uncommitted changes."""
    top = top_of(app_folder)
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
    changes = _changes(top, app_folder)
    if changes and rev is None and not allow_dirty:
        raise Refused(
            f"{top} has uncommitted changes ({changes[0].strip()}{' …' if len(changes) > 1 else ''}). Commit them, or "
            "ship the commit without them with --allow-dirty"
        )
    subject = git(top, "log", "-1", "--format=%s", commit).decode(errors="replace").strip()
    return Commit(top, str(app_folder.relative_to(top)), commit, subject, changes)


def _changes(top: Path, folder: Path) -> tuple[str, ...]:
    """Return the uncommitted changes of a folder, as ``git status`` writes them.

    A file of Git LFS that was only touched is none: git would ask git-lfs, which writes to the repository.
    """
    status = git(top, "status", "--porcelain", "-z", "--no-renames", "--", str(folder))
    changes = [line for line in os.fsdecode(status).split("\0") if line]
    return tuple(line for line in changes if not (line.startswith(" M") and _is_whole(top, line[3:])))


def _is_whole(top: Path, name: str) -> bool:
    """Return whether a file is what the pointer of Git LFS in the index stands for."""
    pointer = lfs.parse(git(top, "cat-file", "blob", f":{name}", check=False)[: lfs.POINTER_MOST])
    return pointer is not None and lfs.is_object(top / name, pointer)


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
    return git(commit.repository, "cat-file", "blob", f"{commit.id}:{path}").decode(errors="replace")
