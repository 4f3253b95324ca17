"""Files of Git LFS ship as the files, without git-lfs on either side, and what is missing is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control import lfs
from switchyard.control.commit import pick_commit
from switchyard.control.commit_files import export
from switchyard.control.lfs import Pointer
from switchyard.core.tree import blob_id
from tests.harness.contents import contents_of
from tests.harness.git import git
from tests.harness.lfs import object_at, pointer_to, stage_pointer, store_object

CONTENT = b"\0\r\n" * 1000
X = Pointer("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", 1)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    git(folder, "init", "--quiet")
    stage_pointer(folder, "data/model.bin", CONTENT)
    git(folder, "add", ".gitattributes")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


def alternate(top: Path) -> Path:
    """Have the clone borrow the objects of another one, by a path relative to its own."""
    other = top.parent / "other"
    git(top.parent, "init", "--quiet", str(other))
    (top / ".git" / "objects" / "info" / "alternates").write_text("# a comment\n../../../other/.git/objects\n")
    return other / ".git" / "lfs"


def setting(top: Path) -> Path:
    git(top, "config", "lfs.storage", "elsewhere")
    return top / ".git" / "elsewhere"


def absolute_setting(top: Path) -> Path:
    git(top, "config", "lfs.storage", str(top.parent / "store"))
    return top.parent / "store"


STORES = {"its own": lambda top: top / ".git" / "lfs", "an alternate's": alternate, "a relative setting": setting}
STORES["an absolute setting"] = absolute_setting


@pytest.mark.parametrize("place", STORES)
def test_an_object_of_every_store_takes_the_place_of_its_pointer(place, top, tmp_path):
    store_object(STORES[place](top), CONTENT)
    files = export(top, "HEAD", tmp_path / "export")
    assert (tmp_path / "export" / "data" / "model.bin").read_bytes() == CONTENT
    entry, _ = files.large["data/model.bin"]
    assert (files.pointers, files.large_ids, entry.id) == ([], (entry.id,), blob_id(len(CONTENT), [CONTENT]))
    assert files.tree != git(top, "rev-parse", "HEAD^{tree}")


def test_the_store_of_a_linked_worktree_is_that_of_its_repository(top, tmp_path):
    store_object(top / ".git" / "lfs", CONTENT)
    git(top, "worktree", "add", "--quiet", "-b", "branch", str(tmp_path / "linked"))
    assert export(tmp_path / "linked", "HEAD", tmp_path / "export").pointers == []


@pytest.mark.parametrize("damage", [None, CONTENT[:-1], CONTENT[:-1] + b"x", b""])
def test_an_object_that_is_absent_or_damaged_leaves_the_pointer_and_is_listed(damage, top, tmp_path):
    if damage is not None:
        store_object(top / ".git" / "lfs", CONTENT)
        object_at(top / ".git" / "lfs", CONTENT).write_bytes(damage)
    files = export(top, "HEAD", tmp_path / "export")
    assert (files.pointers, files.large) == (["data/model.bin"], {})
    assert (tmp_path / "export" / "data" / "model.bin").read_text() == pointer_to(CONTENT)
    assert files.tree == git(top, "rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (pointer_to(b"x"), X),
        (pointer_to(b"x").replace("\n", "\r\n"), X),
        (pointer_to(b"x") + "more\n", None),
        (pointer_to(b"x").replace("oid", "ext-0-foo sha256:" + "0" * 64 + "\noid"), None),
        (pointer_to(b"x").replace("size 1", "size -1"), None),
        (pointer_to(b"x").replace("sha256", "sha1"), None),
        ("see " + pointer_to(b"x"), None),
        ("", None),
    ],
)
def test_only_a_whole_pointer_is_one(text, pointer):
    assert lfs.parse(text.encode()) == pointer


def test_a_file_of_git_lfs_that_was_only_touched_is_no_change_and_nothing_is_written(top):
    git(top, "config", "filter.lfs.clean", "git-lfs clean -- %f")
    git(top, "config", "filter.lfs.required", "true")
    (top / "data" / "model.bin").touch()
    before = contents_of(top)
    assert pick_commit(top, None, allow_dirty=True).dirty == ()
    (top / "data" / "model.bin").write_bytes(CONTENT + b"more")
    assert pick_commit(top, None, allow_dirty=True).dirty == (" M data/model.bin",)
    (top / "data" / "model.bin").write_bytes(CONTENT)
    assert contents_of(top) == before
