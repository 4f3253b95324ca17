"""A release's files have the bytes and modes of their tree, whatever the host's umask, settings and attributes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard.core.errors import Refused
from switchyard.host.adapters import tree
from switchyard.host.adapters.store import Store
from switchyard.host.repository import Repository
from tests.harness.contents import contents_of
from tests.harness.git import git

ATTRIBUTES = """
*.txt text eol=crlf
*.auto text=auto
*.id ident
*.utf16 working-tree-encoding=UTF-16
*.bin filter=lfs
*.out filter=other
kept export-ignore
*.subst export-subst
"""
FILES = {
    "a.txt": b"one\ntwo\n",
    "b.auto": b"one\r\ntwo\r\n",
    "c.id": b"$Id$\n",
    "d.utf16": b"plain\n",
    "e.bin": b"content\n",
    "f.out": b"content\n",
    "kept": b"kept\n",
    "h.subst": b"$Format:%H$\n",
    "deep/er/file": b"",
}
GLOBAL = """
[core]
    autocrlf = true
    eol = crlf
    fileMode = false
    symlinks = false
    attributesFile = {home}/attributes
[filter "lfs"]
    smudge = "sed s/content/smudged/"
    clean = "sed s/content/cleaned/"
    required = true
[filter "other"]
    smudge = "false"
    required = true
[tar]
    umask = 0077
[init]
    templateDir = {home}/template
    defaultObjectFormat = sha256
[transfer]
    unpackLimit = 1
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    git(tmp_path, "init", "--quiet", str(folder))
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "program").write_text("#!/bin/sh\n")
    (folder / "program").chmod(0o755)
    (folder / "to folder").symlink_to("deep")
    (folder / "to nowhere").symlink_to("/absent/\udcff")
    git(folder, "add", "--all")
    (folder / ".gitattributes").write_text(ATTRIBUTES)
    blob = git(folder, "hash-object", "-w", "--no-filters", ".gitattributes")
    git(folder, "update-index", "--add", "--cacheinfo", f"100644,{blob},.gitattributes")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


@pytest.fixture
def repository(code: Path, tmp_path: Path) -> Repository:
    store = Store(tmp_path / "root")
    store.prepare()
    commit, files = git(code, "rev-parse", "HEAD", "HEAD^{tree}").split()
    git(code, "bundle", "create", "--quiet", str(tmp_path / "all"), "HEAD")
    os.umask(0o022)
    repository = Repository(store.repo, lambda: None)
    pack = tmp_path / "pack"
    pack.touch()
    git(tmp_path, "init", "--quiet", "--bare", str(store.repo))
    git(store.repo, "fetch", "--quiet", str(tmp_path / "all"), "HEAD")
    with open(pack, "rb") as file:
        repository.take_in(file, commit, files, "R1")
    return repository


@pytest.fixture(params=[0o000, 0o002, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def files_of(code: Path) -> str:
    return git(code, "rev-parse", "HEAD^{tree}")


def test_bytes_and_modes_are_the_commit_s_under_every_umask(code, repository, umask, tmp_path):
    repository.export(files_of(code), tmp_path / "files")
    for path in [tmp_path / "files", *(tmp_path / "files").rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if not path.is_symlink():
            assert mode == (0o755 if path.is_dir() or path.name == "program" else 0o644), path
    arrived = contents_of(tmp_path / "files")
    assert {name: arrived[name][1] for name in FILES} == FILES
    assert arrived["to folder"][1] == b"deep" and arrived["to nowhere"][1] == b"/absent/\xff"
    assert tree.read_id(tmp_path / "files", "sha1", lambda: None) == files_of(code)


def test_no_setting_of_the_host_s_user_changes_a_byte(code, repository, tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "template" / "info").mkdir(parents=True)
    (home / "template" / "info" / "attributes").write_text(ATTRIBUTES)
    (home / "attributes").write_text("* text eol=crlf filter=lfs\n")
    (home / ".gitconfig").write_text(GLOBAL.format(home=home))
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "attributes").write_text("* export-ignore\n")
    for name, value in {"HOME": home, "XDG_CONFIG_HOME": home / ".config", "GIT_DIR": code / ".git"}.items():
        monkeypatch.setenv(name, str(value))
    repository.export(files_of(code), tmp_path / "files")
    arrived = contents_of(tmp_path / "files")
    assert {name: arrived[name][1] for name in FILES} == FILES


def test_files_that_are_not_those_of_the_tree_are_refused_before_anything_is_built(
    code, repository, tmp_path, monkeypatch
):
    write = tree.write

    def spoil(place: Path, files: object, folder: Path, tick: object) -> None:
        write(place, files, folder, tick)
        (folder / "kept").write_text("changed on the way")

    monkeypatch.setattr(tree, "write", spoil)
    with pytest.raises(Refused, match=r"the files that arrived in .* which was checked: nothing is built"):
        repository.export(files_of(code), tmp_path / "files")
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda top: (top / "kept").write_text("other"),
        lambda top: (top / "kept").chmod(0o755),
        lambda top: (top / "program").chmod(0o644),
        lambda top: (top / "kept").unlink(),
        lambda top: (top / "more").touch(),
        lambda top: ((top / "to folder").unlink(), (top / "to folder").symlink_to("other")),
        lambda top: ((top / "to folder").unlink(), (top / "to folder").write_text("deep")),
        lambda top: (top / "kept").rename(top / "moved"),
    ],
    ids=["bytes", "executable", "not executable", "gone", "more", "link", "link as file", "path"],
)
def test_every_difference_of_path_mode_and_bytes_is_another_tree(change, code, repository, tmp_path):
    repository.export(files_of(code), tmp_path / "files")
    change(tmp_path / "files")
    assert tree.read_id(tmp_path / "files", "sha1", lambda: None) != files_of(code)
