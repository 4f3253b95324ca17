"""What ships is one commit, and what a host is sent is what it lacks of it; all with git itself."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from switchyard.control import commit as source
from switchyard.control.commit import git
from switchyard.core.errors import BadInput, Refused

SIZE = 200_000
"""Bytes of a file that no compression makes small."""


def repository(top: Path) -> Path:
    top.mkdir()
    git(top, "init", "--quiet")
    (top / "big").write_bytes(random.Random(1).randbytes(SIZE))
    commit(top, "file", "one")
    commit(top, "app/file", "two")
    return top


def commit(top: Path, name: str, text: str) -> str:
    (top / name).parent.mkdir(exist_ok=True)
    (top / name).write_text(text)
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message", text)
    return head(top)


def head(top: Path, rev: str = "HEAD") -> str:
    return git(top, "rev-parse", rev).decode().strip()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "host.git")
    return tmp_path / "host.git"


def receive(bare: Path, pack: bytes, commit: str) -> None:
    """As the host does; ``--fix-thin`` fails where an object that the pack builds on is missing."""
    git(bare, "index-pack", "--stdin", "--fix-thin", data=pack)
    git(bare, "update-ref", "refs/switchyard/R", commit)
    git(bare, "fsck", "--connectivity-only", "--full", "--strict")


def test_the_newest_commit_is_picked_with_its_subject_and_folder(top):
    picked = source.pick(top / "app", None, allow_dirty=False)
    assert (picked.repository, picked.folder, picked.commit, picked.subject) == (top, "app", head(top), "two")
    assert source.pick(top, None, allow_dirty=False).folder == "."


def test_a_named_revision_is_the_one_that_is_picked(top):
    assert source.pick(top, "HEAD~1", allow_dirty=False).subject == "one"


def test_an_annotated_tag_is_picked_as_its_commit(top):
    git(top, "tag", "--annotate", "--message", "v1", "v1")
    assert source.pick(top, "v1", allow_dirty=False).commit == head(top)


@pytest.mark.parametrize("name", ["file", "new"])
def test_a_change_that_no_commit_has_is_refused_with_its_name(top, name):
    (top / name).write_text("changed")
    with pytest.raises(Refused, match=rf"uncommitted changes \(.* ?{name}\).*--allow-dirty"):
        source.pick(top, None, allow_dirty=False)


def test_with_allow_dirty_the_commit_ships_without_the_changes(top):
    (top / "file").write_text("changed")
    picked = source.pick(top, None, allow_dirty=True)
    assert picked.commit == head(top) and len(picked.dirty) == 1
    assert source.show(picked, "file") == "one"


def test_a_change_outside_the_applications_folder_is_none_of_its_own(top):
    (top / "file").write_text("changed")
    assert source.pick(top / "app", None, allow_dirty=False).dirty == ()


def test_a_shallow_clone_is_refused_and_the_fix_that_it_names_works(top, tmp_path):
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{top}", "clone")
    clone = tmp_path / "clone"
    with pytest.raises(Refused, match=rf"git -C {clone} fetch --unshallow \(in CI: fetch-depth: 0\)"):
        source.pick(clone, None, allow_dirty=False)
    git(clone, "fetch", "--quiet", "--unshallow")
    assert source.pick(clone, None, allow_dirty=False).commit == head(top)


@pytest.mark.parametrize("rev", ["nothing", "--help", "--git-dir", "--since=yesterday", "-n1", "HEAD:file"])
def test_a_revision_that_names_no_commit_is_refused_and_is_never_an_option(top, rev):
    with pytest.raises(BadInput, match=f"no commit is called {rev}$"):
        source.pick(top, rev, allow_dirty=False)


def test_a_folder_that_is_none_or_no_repository_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"app\.path: .*/absent is not a folder"):
        source.pick(tmp_path / "absent", None, allow_dirty=False)
    with pytest.raises(BadInput, match="not a git repository"):
        source.pick(tmp_path, None, allow_dirty=False)


def test_an_empty_repository_gets_all_of_the_commit(top, bare):
    picked = source.pick(top, None, allow_dirty=False)
    pack = source.objects(picked, [])
    receive(bare, pack, picked.commit)
    assert git(bare, "show", f"{picked.commit}:app/file") == b"two"
    assert len(git(bare, "show", f"{picked.commit}:big")) == SIZE < len(pack)


def test_a_host_with_the_parent_gets_only_what_it_lacks(top, bare):
    parent = source.pick(top, None, allow_dirty=False)
    receive(bare, source.objects(parent, []), parent.commit)
    commit(top, "app/file", "three")
    picked = source.pick(top, None, allow_dirty=False)
    pack = source.objects(picked, [parent.commit])
    assert 0 < len(pack) < 2000
    receive(bare, pack, picked.commit)
    assert git(bare, "show", f"{picked.commit}:app/file") == b"three"


def test_a_commit_that_only_the_host_has_does_not_matter(top, bare):
    picked = source.pick(top, None, allow_dirty=False)
    receive(bare, source.objects(picked, ["0" * 39 + "1"]), picked.commit)
    assert git(bare, "show", f"{picked.commit}:file") == b"one"


def test_a_host_that_has_the_commit_gets_nothing(top):
    picked = source.pick(top, None, allow_dirty=False)
    assert source.objects(picked, [head(top, "HEAD~1"), picked.commit]) == b""


def test_a_pack_that_lacks_something_does_not_pass_for_complete(top, bare):
    picked = source.pick(top, None, allow_dirty=False)
    with pytest.raises(BadInput, match=r"git (fsck|update-ref|index-pack)"):
        receive(bare, source.objects(picked, [head(top, "HEAD~1")]), picked.commit)


def test_a_file_is_read_from_the_commit_and_its_folder(top):
    (top / "app" / "file").write_text("changed")
    picked = source.pick(top / "app", None, allow_dirty=True)
    assert source.show(picked, "file") == "two" and source.show(picked, "invoke.yaml") is None
