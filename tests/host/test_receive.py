"""What the control node sends of a commit is what a host unpacks, to the byte."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace

from switchyard.control.commit import pick_commit
from switchyard.control.release import prepare_release, read_commit, stream
from switchyard.control.screen import Screen
from switchyard.core.app import App
from switchyard.host import receive as module
from switchyard.host.adapters.store import Store
from switchyard.host.receive import receive
from tests.harness.attempts import begin_attempt
from tests.harness.committed_shop import create
from tests.harness.contents import contents_of
from tests.harness.facts import FACTS
from tests.harness.git import git
from tests.harness.lfs import stage_pointer, store_object
from tests.harness.release_record import RECORD

MODEL = os.urandom(50_000)
COMPOSE = "services: {web: {build: ., ports: ['8080:80'], volumes: ['./model.bin:/model.bin']}}\n"


def test_a_release_with_a_file_of_git_lfs_arrives_whole_and_is_recorded_with_its_tree(tmp_path, fake_engine):
    fake_engine.know("/info", {"DockerRootDir": "/var/lib/docker"})
    (tmp_path / "shop").mkdir()
    top = create(tmp_path / "shop", {"compose.yaml": COMPOSE, "Dockerfile": "FROM x\n", "text": "one\r\n"})
    stage_pointer(top, "model.bin", MODEL)
    git(top, "add", ".gitattributes")
    git(top, "commit", "--quiet", "--message", "model")
    store_object(top / ".git" / "lfs", MODEL)
    store = Store(tmp_path / "root")
    store.prepare()
    contents = read_commit("", App("shop", kinds={"web": "routed"}), pick_commit(top, None, allow_dirty=False))
    release = prepare_release(contents, replace(FACTS, root=str(store.root)), Screen(as_json=True))
    attempt = begin_attempt(store, app="shop", verb="shared.apply")
    (attempt.folder / "pack").write_bytes(stream(release, None, FACTS))
    assert receive(attempt) is None
    record = store.releases.require(release.id)
    files = contents_of(store.release(release.id) / "files")
    assert (record.tree, record.large) == (contents.files.tree, contents.files.large_ids)
    assert files["model.bin"] == (0o644, MODEL) and files["text"] == (0o644, b"one\r\n")


def test_what_is_live_already_is_returned_and_nothing_is_written(holder, monkeypatch):
    pack = SimpleNamespace(id="R2", env="", app=RECORD.app, colours={}, shared={})
    monkeypatch.setattr(module, "_unpack", lambda *_: pack)
    monkeypatch.setattr(module, "images_of_pack", lambda *_, **__: SimpleNamespace())
    live = replace(RECORD, state="good")
    monkeypatch.setattr(module, "admit", lambda *_: live)
    assert receive(holder) is live
    assert holder.store.releases.records() == () and holder.wanted.id == ""
