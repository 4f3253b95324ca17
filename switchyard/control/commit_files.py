"""The files of a commit: a clean export of all of them, and their names."""

from __future__ import annotations

import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from switchyard.control.commit import git


def export(repository: Path, commit: str, into: Path) -> None:
    """Write the commit's files into a folder: all of them, also those that git attributes keep out of archives."""
    questions = ("--path-format=absolute", "--git-path", "objects", f"{commit}^{{commit}}")
    objects, commit_id = git(repository, "rev-parse", *questions).decode().splitlines()
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        bare = Path(folder)
        git(bare, "init", "--quiet", "--bare", "--template=")
        (bare / "info").mkdir(exist_ok=True)
        (bare / "info" / "attributes").write_text("* -export-ignore -export-subst\n")
        (bare / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        with tarfile.open(fileobj=BytesIO(git(bare, "archive", "--format=tar", commit_id))) as archive:
            archive.extractall(into)


def tracked(repository: Path, commit: str) -> frozenset[str]:
    """Return the paths of the commit's files, relative to the repository's top."""
    listing = git(repository, "ls-tree", "-r", "-z", "--name-only", commit).decode(errors="surrogateescape")
    return frozenset(name for name in listing.split("\0") if name)


def submodules(repository: Path, commit: str) -> list[str]:
    """Return the paths at which the commit has a submodule."""
    entries = git(repository, "ls-tree", "-r", "-z", commit).decode(errors="replace").split("\0")
    return [entry.split("\t")[1] for entry in entries if entry.startswith("160000")]
