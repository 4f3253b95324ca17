"""What a deploy ships: a commit of a git repository, never the work tree."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from switchyard.core.errors import BadInput, Refused

GIT_WITHIN = 600


@dataclass(frozen=True)
class Source:
    """One commit of the application."""

    repository: Path
    folder: str
    """The application's folder relative to the repository's top; ``.`` for the top itself."""
    commit: str
    subject: str
    dirty: tuple[str, ...]


def git(repository: Path, *words: str, check: bool = True, data: bytes | None = None) -> bytes:
    """What git prints. Raises ``BadInput`` with git's own words."""
    done = subprocess.run(
        ["git", "-C", str(repository), *words], capture_output=True, input=data, check=False, timeout=GIT_WITHIN
    )
    if check and done.returncode != 0:
        raise BadInput(f"{repository}: git {words[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def pick(app_folder: Path, rev: str | None, *, allow_dirty: bool) -> Source:
    """The commit to ship. A dirty work tree is refused unless asked for, a shallow clone always."""
    if not app_folder.is_dir():
        raise BadInput(f"app.path: {app_folder} is not a folder")
    top = Path(git(app_folder, "rev-parse", "--show-toplevel").decode().strip())
    if git(top, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise Refused(
            f"{top} is a shallow clone, which cannot show what descends from what is live. Run: git -C {top} "
            "fetch --unshallow (in CI: fetch-depth: 0)"
        )
    found = git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev or 'HEAD'}^{{commit}}", check=False)
    if not found:
        raise BadInput(f"{top}: no commit is called {rev or 'HEAD'}")
    commit = found.decode().strip()
    dirty = tuple(git(top, "status", "--porcelain", "--", str(app_folder)).decode(errors="replace").splitlines())
    if dirty and rev is None and not allow_dirty:
        raise Refused(
            f"{top} has uncommitted changes ({dirty[0].strip()}{' …' if len(dirty) > 1 else ''}): commit them, "
            "or ship the commit without them with --allow-dirty"
        )
    subject = git(top, "log", "-1", "--format=%s", commit).decode(errors="replace").strip()
    return Source(top, str(app_folder.relative_to(top)), commit, subject, dirty)


def objects(source: Source, known: Sequence[str]) -> bytes:
    """What a host that has the known commits lacks, as a pack; empty where it lacks nothing."""
    if source.commit in known:
        return b""
    here = [commit for commit in known if has(source.repository, commit)]
    revisions = "".join(f"{line}\n" for line in [source.commit, *(f"^{commit}" for commit in here)])
    return git(source.repository, "pack-objects", "--revs", "--stdout", "--thin", "--quiet", data=revisions.encode())


def has(repository: Path, commit: str) -> bool:
    """Whether a repository has a commit."""
    return git(repository, "cat-file", "-t", commit, check=False).strip() == b"commit"


def descends(source: Source, commit: str) -> bool | None:
    """Whether what ships descends from a commit; None where this repository does not have that commit."""
    if not has(source.repository, commit):
        return None
    base = git(source.repository, "merge-base", commit, source.commit, check=False).decode().strip()
    return base == commit


def show(source: Source, name: str) -> str | None:
    """A file of the application in the commit; None where it has none."""
    path = name if source.folder == "." else f"{source.folder}/{name}"
    if not git(source.repository, "ls-tree", "--name-only", source.commit, "--", path):
        return None
    return git(source.repository, "show", f"{source.commit}:{path}").decode(errors="replace")
