"""The git objects that a machine lacks of a release."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from switchyard.control.commit import Commit, has_commit
from switchyard.control.commit_files import CommitFiles
from switchyard.control.git import git
from switchyard.core.errors import Refused
from switchyard.core.wire.facts import Facts

LARGE = ("-c", "core.bigFileThreshold=1m", "-c", "core.compression=1")
"""Settings for files of Git LFS: git takes no time to look for what they have in common, or to press them."""


def missing_objects(commit: Commit, files: CommitFiles, host: Facts) -> bytes:
    """Return the pack that a host needs for a commit and its files; empty if it has all of them already."""
    own_tree = git(commit.repository, "rev-parse", f"{commit.id}^{{tree}}").decode().strip()
    if commit.id in host.commits and files.tree in (own_tree, *host.trees):
        return b""
    common = [known for known in host.commits if has_commit(commit.repository, known)]
    if files.tree == own_tree:
        return _pack(commit.repository, [commit.id, *(f"^{known}" for known in common)])
    with _tree(commit, files) as more:
        known = [*common, *(blob for blob in files.large_ids if blob in host.large)]
        return _pack(commit.repository, [commit.id, files.tree, *(f"^{each}" for each in known)], LARGE, more)


def _pack(
    repository: Path, revisions: Sequence[str], settings: Sequence[str] = (), more: Mapping[str, str] | None = None
) -> bytes:
    words = ("pack-objects", "--revs", "--stdout", "--thin", "--quiet")
    data = "".join(f"{revision}\n" for revision in revisions).encode()
    return git(repository, *settings, *words, data=data, more=more)


@contextmanager
def _tree(commit: Commit, files: CommitFiles) -> Iterator[Mapping[str, str]]:
    """Make the tree of the files beside the repository. Yield the variables with which git sees it."""
    repository = commit.repository
    objects = repository / os.fsdecode(git(repository, "rev-parse", "--git-path", "objects").rstrip(b"\n"))
    with tempfile.TemporaryDirectory(prefix="switchyard-") as name:
        folder = Path(name)
        (folder / "objects").mkdir()
        more = {
            "GIT_INDEX_FILE": str(folder / "index"),
            "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(str(objects)),
        }
        git(repository, "read-tree", commit.id, more=more)
        sources = "".join(f"{source}\n" for _, source in files.large.values())
        hash_objects = (*LARGE, "hash-object", "-w", "--no-filters", "--stdin-paths")
        ids = git(repository, *hash_objects, data=os.fsencode(sources), more=more).decode().split()
        if ids != [entry.id for entry, _ in files.large.values()]:
            raise Refused(f"{repository}: a file of Git LFS changed while it was read. Run the command again")
        lines = b"".join(b"%s %s\t%s\0" % (e.mode, e.id.encode(), e.path) for e, _ in files.large.values())
        git(repository, "update-index", "-z", "--index-info", data=lines, more=more)
        git(repository, "write-tree", more=more)
        yield more


def _quoted(path: str) -> str:
    """Quote a path for a list that colons separate."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
