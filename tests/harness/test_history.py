"""An earlier commit's tree comes from the history, and a history that lacks the commit is unknown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.harness.history import UnknownCommit, export


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository of two commits of one file."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for text in ("old", "new"):
        (folder / "file").write_text(text)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", text)
    return folder


def test_a_tree_of_the_history_is_written_whole(repository: Path, tmp_path: Path) -> None:
    tree = export("HEAD~1", tmp_path / "tree", repository=repository)
    assert (tree / "file").read_text() == "old"
    assert (repository / "file").read_text() == "new"


def test_a_shallow_clone_makes_an_upgrade_unknown_and_says_what_to_do(repository: Path, tmp_path: Path) -> None:
    older = git(repository, "rev-parse", "HEAD~1")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow")
    with pytest.raises(UnknownCommit, match=r"unknown: the history of .* lacks commit .*git fetch --unshallow"):
        export(older, tmp_path / "tree", repository=tmp_path / "shallow")
    assert not (tmp_path / "tree").exists()
