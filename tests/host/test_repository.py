"""The repository of a host: a release arrives whole, and git's work keeps the lease."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.lease import LASTS
from switchyard.host import takeover
from switchyard.host.adapters.store import Store
from switchyard.host.repository import Repository
from tests.harness.attempts import begin_attempt


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A repository with one commit of a file of 1 MiB."""
    folder = tmp_path / "code"
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / "file").write_bytes(os.urandom(1 << 20))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


def git(folder: Path, *words: str, **how: bytes) -> bytes:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, **how).stdout


def test_the_lease_is_kept_while_git_takes_a_release_in_and_it_arrives_whole(code, tmp_path, monkeypatch):
    stub, real = tmp_path / "bin" / "git", shutil.which("git")
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\ncase " $* " in *" index-pack "*) sleep 0.5;; esac\nexec {real} "$@"\n')
    stub.chmod(0o755)
    commit, tree = git(code, "rev-parse", "HEAD", "HEAD^{tree}").decode().split()
    objects = git(code, "pack-objects", "--revs", "--stdout", input=f"{commit}\n".encode())
    monkeypatch.setenv("PATH", f"{stub.parent}{os.pathsep}{os.environ['PATH']}")
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store)
    takeover.take(attempt)
    renewed = store.lease.current().renewed
    attempt.lease._renewed_at -= LASTS
    repository = Repository(store.repo, attempt.tick)
    (attempt.folder / "pack").write_bytes(b"{}\n" + objects)
    with open(attempt.folder / "pack", "rb") as pack:
        pack.readline()
        repository.take_in(pack, commit, tree, "R1")
    assert store.lease.current().renewed > renewed
    repository.export(tree, tmp_path / "files")
    assert (tmp_path / "files" / "file").read_bytes() == (code / "file").read_bytes()
    with pytest.raises(SwitchyardError, match="git could not export 0000000000: git ls-tree: fatal: not a"):
        repository.export("0" * 40, tmp_path / "none")


def test_a_commit_descends_only_from_those_before_it(code):
    first = git(code, "rev-parse", "HEAD").decode().strip()
    (code / "file").write_text("two")
    git(code, "commit", "--quiet", "--all", "--message", "two")
    repository = Repository(code / ".git", lambda: None)
    assert repository.is_ancestor(first, "HEAD") and not repository.is_ancestor("HEAD", first)
    assert not repository.is_ancestor("0" * 40, "HEAD"), "what the repository does not know is no ancestor"


def test_equal_contents_have_equal_objects(code):
    repository = Repository(code / ".git", lambda: None)
    before = repository.object_of("HEAD", "file"), repository.object_of("HEAD", "")
    git(code, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    assert before == (repository.object_of("HEAD", "file"), repository.object_of("HEAD", ""))
