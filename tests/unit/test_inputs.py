"""Settings, commits, the lease and the journal: what goes in, and what is said when it is wrong."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from switchyard.control import commit as source
from switchyard.core.errors import BadInput, Refused
from switchyard.core.lease import LASTS, Lease, ended


def checkout(folder: Path, text: str) -> Path:
    (folder / "invoke.yaml").write_text(text)
    return folder


def repository(folder: Path) -> Path:
    folder.mkdir()
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    (folder / "file").write_text("1")
    for words in (["add", "-A"], ["commit", "-q", "-m", "two"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


def test_a_dirty_work_tree_is_refused_unless_asked_for(tmp_path):
    folder = repository(tmp_path / "app")
    (folder / "file").write_text("2")
    with pytest.raises(Refused, match="--allow-dirty"):
        source.pick(folder, None, allow_dirty=False)
    assert source.pick(folder, None, allow_dirty=True).subject == "two"


def test_a_shallow_clone_is_refused_with_the_fix(tmp_path):
    folder = repository(tmp_path / "app")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{folder}", str(clone)], check=True)
    with pytest.raises(Refused, match="--unshallow"):
        source.pick(clone, None, allow_dirty=False)


@pytest.mark.parametrize("rev", ["nothing", "--help", "-x"])
def test_a_revision_that_is_none_is_named_and_never_an_option(tmp_path, rev):
    with pytest.raises(BadInput, match="no commit is called"):
        source.pick(repository(tmp_path / "app"), rev, allow_dirty=False)


def test_what_a_host_lacks_is_enough_to_make_the_commit_there(tmp_path):
    picked = source.pick(repository(tmp_path / "app"), None, allow_dirty=False)
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    subprocess.run(
        ["git", "--git-dir", str(bare), "index-pack", "--stdin", "--fix-thin"],
        check=True,
        input=source.objects(picked, []),
        stdout=subprocess.DEVNULL,
    )
    shown = subprocess.run(
        ["git", "--git-dir", str(bare), "show", f"{picked.commit}:file"], check=True, capture_output=True, text=True
    )
    assert shown.stdout == "1"
    assert source.objects(picked, [picked.commit]) == b""


def test_a_lease_ends_by_restart_death_or_silence_only():
    lease = Lease(1, "a", "deploy", "x", 0.0, 100.0, "boot", os.getpid(), "1")
    assert ended(lease, boot="boot", now=100.0 + LASTS, alive=True) is None
    assert "restarted" in str(ended(lease, boot="other", now=100.0, alive=True))
    assert "gone" in str(ended(lease, boot="boot", now=100.0, alive=False))
    assert "renewed" in str(ended(lease, boot="boot", now=101.0 + LASTS, alive=True))
