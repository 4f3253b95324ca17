"""What ships is one commit, and what a host is sent is what it lacks of it; all with git itself."""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.control.commit import Commit, descends, pick_commit, read_file
from switchyard.control.commit_files import export
from switchyard.control.objects import missing_objects
from switchyard.core.errors import BadInput, Refused
from tests.harness.facts import FACTS
from tests.harness.git import git

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
    return git(top, "rev-parse", rev)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "host.git")
    return tmp_path / "host.git"


def lacking(picked: Commit, commits: Sequence[str]) -> bytes:
    """Return what a host with these commits is sent."""
    with tempfile.TemporaryDirectory() as folder:
        files = export(picked.repository, picked.id, Path(folder))
    return missing_objects(picked, files, replace(FACTS, commits=tuple(commits)))


def receive(bare: Path, pack: bytes, commit: str) -> None:
    """As the host does; ``--fix-thin`` fails where an object that the pack builds on is missing."""
    git(bare, "index-pack", "--stdin", "--fix-thin", data=pack)
    git(bare, "update-ref", "refs/switchyard/R", commit)
    git(bare, "fsck", "--connectivity-only", "--full", "--strict")


def test_the_newest_commit_is_picked_with_its_subject_and_folder(top):
    newest = pick_commit(top / "app", None, allow_dirty=False)
    assert (newest.repository, newest.folder, newest.id, newest.subject) == (top, "app", head(top), "two")
    assert pick_commit(top, None, allow_dirty=False).folder == "."


def test_a_named_revision_is_the_one_that_is_picked(top):
    assert pick_commit(top, "HEAD~1", allow_dirty=False).subject == "one"


def test_an_annotated_tag_is_picked_as_its_commit(top):
    git(top, "tag", "--annotate", "--message", "v1", "v1")
    assert pick_commit(top, "v1", allow_dirty=False).id == head(top)


@pytest.mark.parametrize("name", ["file", "new"])
def test_a_change_that_no_commit_has_is_refused_with_its_name(top, name):
    (top / name).write_text("changed")
    with pytest.raises(Refused, match=rf"uncommitted changes \(.* ?{name}\).*--allow-dirty"):
        pick_commit(top, None, allow_dirty=False)


def test_with_allow_dirty_the_commit_ships_without_the_changes(top):
    (top / "file").write_text("changed")
    newest = pick_commit(top, None, allow_dirty=True)
    assert newest.id == head(top) and len(newest.dirty) == 1
    assert read_file(newest, "file") == "one"


def test_a_change_outside_the_applications_folder_is_none_of_its_own(top):
    (top / "file").write_text("changed")
    assert pick_commit(top / "app", None, allow_dirty=False).dirty == ()


def test_a_shallow_clone_is_refused_and_the_fix_that_it_names_works(top, tmp_path):
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{top}", "clone")
    clone = tmp_path / "clone"
    with pytest.raises(Refused, match=rf"git -C {clone} fetch --unshallow \(in CI: fetch-depth: 0\)"):
        pick_commit(clone, None, allow_dirty=False)
    git(clone, "fetch", "--quiet", "--unshallow")
    assert pick_commit(clone, None, allow_dirty=False).id == head(top)


@pytest.mark.parametrize("rev", ["nothing", "--help", "--git-dir", "--since=yesterday", "-n1", "HEAD:file"])
def test_a_revision_that_names_no_commit_is_refused_and_is_never_an_option(top, rev):
    with pytest.raises(BadInput, match=f"no commit is called {rev}$"):
        pick_commit(top, rev, allow_dirty=False)


def test_a_folder_that_is_none_or_no_repository_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"app\.path: .*/absent is not a folder"):
        pick_commit(tmp_path / "absent", None, allow_dirty=False)
    with pytest.raises(BadInput, match="not a git repository"):
        pick_commit(tmp_path, None, allow_dirty=False)


def test_an_empty_repository_gets_all_of_the_commit(top, bare):
    newest = pick_commit(top, None, allow_dirty=False)
    pack = lacking(newest, [])
    receive(bare, pack, newest.id)
    assert git(bare, "show", f"{newest.id}:app/file") == "two"
    assert int(git(bare, "cat-file", "-s", f"{newest.id}:big")) == SIZE < len(pack)


def test_a_host_with_the_parent_gets_only_what_it_lacks(top, bare):
    parent = pick_commit(top, None, allow_dirty=False)
    receive(bare, lacking(parent, []), parent.id)
    commit(top, "app/file", "three")
    newest = pick_commit(top, None, allow_dirty=False)
    pack = lacking(newest, [parent.id])
    assert 0 < len(pack) < 2000
    receive(bare, pack, newest.id)
    assert git(bare, "show", f"{newest.id}:app/file") == "three"


def test_a_commit_that_only_the_host_has_does_not_matter(top, bare):
    newest = pick_commit(top, None, allow_dirty=False)
    receive(bare, lacking(newest, ["0" * 39 + "1"]), newest.id)
    assert git(bare, "show", f"{newest.id}:file") == "one"


def test_a_host_that_has_the_commit_gets_nothing(top):
    newest = pick_commit(top, None, allow_dirty=False)
    assert lacking(newest, [head(top, "HEAD~1"), newest.id]) == b""


def test_a_pack_that_lacks_something_does_not_pass_for_complete(top, bare):
    newest = pick_commit(top, None, allow_dirty=False)
    with pytest.raises(subprocess.CalledProcessError, match=r"index-pack|fsck|update-ref"):
        receive(bare, lacking(newest, [head(top, "HEAD~1")]), newest.id)


def test_a_file_is_read_from_the_commit_and_its_folder(top):
    (top / "app" / "file").write_text("changed")
    newest = pick_commit(top / "app", None, allow_dirty=True)
    assert read_file(newest, "file") == "two" and read_file(newest, "invoke.yaml") is None


def small_repository(folder: Path) -> Path:
    folder.mkdir()
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    (folder / "file").write_text("1")
    for words in (["add", "-A"], ["commit", "-q", "-m", "two"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


def test_a_dirty_work_tree_is_refused_unless_asked_for(tmp_path):
    folder = small_repository(tmp_path / "app")
    (folder / "file").write_text("2")
    with pytest.raises(Refused, match="--allow-dirty"):
        pick_commit(folder, None, allow_dirty=False)
    assert pick_commit(folder, None, allow_dirty=True).subject == "two"


def test_a_shallow_clone_is_refused_with_the_fix(tmp_path):
    folder = small_repository(tmp_path / "app")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{folder}", str(clone)], check=True)
    with pytest.raises(Refused, match="--unshallow"):
        pick_commit(clone, None, allow_dirty=False)


@pytest.mark.parametrize("rev", ["nothing", "--help", "-x"])
def test_a_revision_that_is_none_is_named_and_never_an_option(tmp_path, rev):
    with pytest.raises(BadInput, match="no commit is called"):
        pick_commit(small_repository(tmp_path / "app"), rev, allow_dirty=False)


def test_what_a_host_lacks_is_enough_to_make_the_commit_there(tmp_path):
    newest = pick_commit(small_repository(tmp_path / "app"), None, allow_dirty=False)
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    subprocess.run(
        ["git", "--git-dir", str(bare), "index-pack", "--stdin", "--fix-thin"],
        check=True,
        input=lacking(newest, []),
        stdout=subprocess.DEVNULL,
    )
    shown = subprocess.run(
        ["git", "--git-dir", str(bare), "show", f"{newest.id}:file"], check=True, capture_output=True, text=True
    )
    assert shown.stdout == "1"
    assert lacking(newest, [newest.id]) == b""


def test_whether_a_commit_descends_is_told_as_far_as_the_repository_knows(tmp_path):
    def run(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "--quiet")
    ids = []
    for number in range(2):
        run("commit", "--quiet", "--allow-empty", "--message", str(number))
        ids.append(run("rev-parse", "HEAD"))
    newer, older = (pick_commit(tmp_path, rev, allow_dirty=False) for rev in ids[::-1])
    assert descends(newer, ids[0]) is True
    assert descends(older, ids[1]) is False
    assert descends(newer, "0" * 40) is None
