"""A host gets the commit and exactly the files of it that ship, and of those only what it lacks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.control.commit import pick_commit
from switchyard.control.commit_files import export
from switchyard.control.objects import missing_objects
from switchyard.core.errors import Refused
from switchyard.host.adapters.store import Store
from switchyard.host.repository import Repository
from tests.harness.contents import contents_of
from tests.harness.facts import FACTS
from tests.harness.git import git
from tests.harness.lfs import object_at, stage_pointer, store_object

LARGE = os.urandom(300_000)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "code: one"
    folder.mkdir()
    git(folder, "init", "--quiet")
    stage_pointer(folder, "model.bin", LARGE)
    stage_pointer(folder, "same.bin", LARGE)
    store_object(folder / ".git" / "lfs", LARGE)
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    git(folder, "add", "run", ".gitattributes")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    store = Store(tmp_path / "root")
    store.prepare()
    return Repository(store.repo, lambda: None)


def receive(repository: Repository, folder: Path, pack: bytes, commit: str, tree: str) -> None:
    (folder / "pack").write_bytes(pack)
    with open(folder / "pack", "rb") as file:
        repository.take_in(file, commit, tree, "R1")


def test_files_of_git_lfs_arrive_as_they_were_checked_and_the_operator_s_repository_stays(top, repository, tmp_path):
    before = contents_of(top)
    commit = pick_commit(top, None, allow_dirty=True)
    files = export(top, commit.id, tmp_path / "checked")
    pack = missing_objects(commit, files, FACTS)
    assert len(LARGE) < len(pack) < 1.1 * len(LARGE), "two files of one content travel once"
    receive(repository, tmp_path, pack, commit.id, files.tree)
    repository.export(files.tree, tmp_path / "arrived")
    assert contents_of(tmp_path / "arrived") == contents_of(tmp_path / "checked")
    assert (tmp_path / "arrived" / "same.bin").read_bytes() == LARGE
    assert contents_of(top) == before


def test_what_a_host_has_of_git_lfs_is_not_sent_again(top, repository, tmp_path):
    first = pick_commit(top, None, allow_dirty=True)
    files = export(top, first.id, tmp_path / "first")
    receive(repository, tmp_path, missing_objects(first, files, FACTS), first.id, files.tree)
    host = replace(FACTS, commits=(first.id,), trees=(files.tree,), large=files.large_ids)
    assert missing_objects(first, files, host) == b""
    (top / "run").write_text("changed")
    git(top, "commit", "--quiet", "--message", "two", "run")
    second = pick_commit(top, None, allow_dirty=True)
    files = export(top, second.id, tmp_path / "second")
    pack = missing_objects(second, files, host)
    assert len(pack) < 2000
    receive(repository, tmp_path, pack, second.id, files.tree)
    repository.export(files.tree, tmp_path / "arrived")
    assert contents_of(tmp_path / "arrived") == contents_of(tmp_path / "second")


def test_a_host_to_which_an_earlier_version_sent_the_pointer_gets_the_file(top, repository, tmp_path):
    commit = pick_commit(top, None, allow_dirty=True)
    files = export(top, commit.id, tmp_path / "checked")
    assert len(missing_objects(commit, files, replace(FACTS, commits=(commit.id,)))) > len(LARGE)


def test_an_object_that_changes_on_its_way_is_refused(top, tmp_path):
    commit = pick_commit(top, None, allow_dirty=True)
    files = export(top, commit.id, tmp_path / "checked")
    object_at(top / ".git" / "lfs", LARGE).write_bytes(b"changed")
    with pytest.raises(Refused, match="a file of Git LFS changed while it was read"):
        missing_objects(commit, files, FACTS)
