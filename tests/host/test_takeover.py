"""A host is one attempt's: a takeover waits for what runs, and a lease lasts for as long as something is at work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.errors import LEASE_HELD, Refused
from switchyard.core.lease import LASTS
from switchyard.host import receive, takeover
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.kernel import process_start
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt, Cancelled


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "root")
    made.prepare()
    return made


@pytest.fixture
def old(store: Store) -> Iterator[subprocess.Popen[bytes]]:
    """A program that took the lease, has not renewed it for too long, and runs on."""
    with subprocess.Popen(["sleep", "60"]) as running:
        store.lease.take("old", "deploy", "ann@laptop")
        mine = {"pid": running.pid, "started": process_start(running.pid), "operator": {"pid": 1}}
        lease = store.lease.current()
        write_json(store.root / "lease.json", replace(lease, renewed=lease.renewed - LASTS - 1, **mine).encode())
        yield running
        running.kill()


def attempt(store: Store, name: str, verb: str = "deploy", **more: object) -> Attempt:
    folder = store.attempts / name
    folder.mkdir()
    return Attempt(store, folder, {"verb": verb, "app": "web", "who": f"{name}@desk", **more})


def test_a_takeover_by_expiry_waits_for_the_program_that_still_runs(store, old, monkeypatch):
    looked: list[int] = []
    monkeypatch.setattr(takeover.time, "sleep", lambda _: (looked.append(1), old.kill(), old.wait()))
    takeover.take(attempt(store, "new"))
    assert looked == [1] and store.lease.current().attempt == "new"


def test_nobody_acts_beside_a_program_that_does_not_end_however_often_it_is_tried(store, old, monkeypatch):
    monkeypatch.setattr(takeover, "ORPHAN_WITHIN", 0.0)
    for name in ("new", "newer"):
        with pytest.raises(Refused, match=rf"still runs \(process {old.pid} of the host\)") as caught:
            takeover.take(attempt(store, name))
        assert caught.value.exit == LEASE_HELD and store.lease.current().attempt == "old"
    with pytest.raises(Superseded):
        store.lease.guard(1)
    old.kill()
    old.wait()
    takeover.take(attempt(store, "newest"))
    assert store.lease.current().attempt == "newest"


def test_who_gives_up_waiting_leaves_the_next_one_to_wait(store, old):
    impatient = attempt(store, "new")
    (impatient.folder / "said.jsonl").write_text('{"say": "cancel"}\n')
    with pytest.raises(Cancelled):
        takeover.take(impatient)
    store.lease.free(impatient.number)
    assert store.lease.current().attempt == "old" and store.lease.current().number > impatient.number


@pytest.mark.parametrize("verb,more", [("deploy", {"gone": "old"}), ("unlock", {"force": True})])
def test_of_two_that_saw_the_same_holder_one_takes_over(store, old, monkeypatch, verb, more):
    monkeypatch.setattr(takeover, "_outlive", lambda *_: None)
    store.lease.renew(1)
    seen = store.lease.holder()
    takeover.take(attempt(store, "first", verb, **more))
    monkeypatch.setattr(
        store.lease, "holder", lambda real=store.lease.holder, seen=[seen]: seen.pop() if seen else real()
    )
    with pytest.raises(Refused, match="first@desk holds the lease") as caught:
        takeover.take(attempt(store, "second", verb, **more))
    assert caught.value.exit == LEASE_HELD and store.lease.current().attempt == "first"


def test_the_lease_is_kept_while_git_takes_a_release_in_and_it_arrives_whole(store, tmp_path, monkeypatch):
    stub, real = tmp_path / "bin" / "git", shutil.which("git")
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\ncase " $* " in *" index-pack "*) sleep 0.5;; esac\nexec {real} "$@"\n')
    stub.chmod(0o755)

    def git(*words: str, **how: object) -> bytes:
        return subprocess.run([str(real), "-C", str(tmp_path), *words], check=True, capture_output=True, **how).stdout

    git("init", "--quiet", "code")
    (tmp_path / "code" / "file").write_bytes(os.urandom(1 << 20))
    git("-C", "code", "add", "--all")
    git("-C", "code", "commit", "--quiet", "--message", "one")
    commit = git("-C", "code", "rev-parse", "HEAD").decode().strip()
    packed = git("-C", "code", "pack-objects", "--revs", "--stdout", input=f"{commit}\n".encode())
    monkeypatch.setenv("PATH", f"{stub.parent}{os.pathsep}{os.environ['PATH']}")
    mine = attempt(store, "new")
    takeover.take(mine)
    taken = store.lease.current().renewed
    mine._renewed -= LASTS
    header = {"id": "R1", "commit": commit}
    (mine.folder / "pack").write_bytes(json.dumps(header).encode() + b"\n" + packed)
    with open(mine.folder / "pack", "rb") as pack:
        pack.readline()
        receive._objects(mine, header, pack)
    assert store.lease.current().renewed > taken
    receive._export(mine, commit, tmp_path / "files")
    assert (tmp_path / "files" / "file").read_bytes() == (tmp_path / "code" / "file").read_bytes()
    with pytest.raises(Refused.__base__, match="git could not export 0000000000: fatal: not a"):
        receive._export(mine, "0" * 40, tmp_path / "none")
