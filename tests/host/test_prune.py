"""What a host keeps is bounded, however often it is deployed to, and what is in use is never part of what goes."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.site import Site, Slot
from switchyard.host import observe, prune
from switchyard.host.adapters.files import write
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.prune import superfluous
from switchyard.host.repository import Repository
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import record

SIZE = 200_000


class Code:
    """A repository whose every commit replaces the one before by a fresh file of ``SIZE`` bytes, deployed to a host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "code"
        self.store = Store(folder / "root")
        self.store.prepare()
        self.number = 0
        subprocess.run(["git", "init", "--quiet", str(self.folder)], check=True)

    def git(self, *words: str, given: str = "") -> bytes:
        argv = ["git", "-C", str(self.folder), *words]
        return subprocess.run(argv, check=True, capture_output=True, input=given.encode()).stdout

    def attempt(self) -> Attempt:
        return begin_attempt(self.store, f"a{self.number}")

    def receive(self, attempt: Attempt) -> str:
        """A release's objects, its files and its env; not yet its release.json."""
        before = self.git("rev-list", "--all").decode().split()[:1]
        (self.folder / "file").write_bytes(os.urandom(SIZE))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "next", *(["--amend"] if before else []))
        commit = self.git("rev-parse", "HEAD").decode().strip()
        wanted = "\n".join([commit, *(f"^{known}" for known in before)])
        pack = attempt.folder / "pack"
        pack.write_bytes(self.git("pack-objects", "--revs", "--stdout", "--thin", given=wanted + "\n"))
        self.number += 1
        release = f"R{self.number}"
        with open(pack, "rb") as file:
            Repository(self.store.repo, attempt.tick).take_in(file, commit, f"{commit}^{{tree}}", release)
        pack.unlink()
        write(self.store.release(release) / "files" / "file", "one")
        write(self.store.release(release) / "env", "SECRET=1")
        return release

    def deploy(self) -> Attempt:
        attempt = self.attempt()
        release = self.receive(attempt)
        self.store.releases.write(replace(record(self.number), commit=self.commit_of(release)))
        return attempt

    def commit_of(self, release: str) -> str:
        return self.host_git("rev-parse", f"refs/switchyard/{release}")

    def host_git(self, *words: str) -> str:
        argv = ["git", "--git-dir", str(self.store.repo), *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.store.repo.rglob("*") if path.is_file())


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Code:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(prune, "trim_cache", lambda most: None)
    made = Code(tmp_path)
    made.live = "R1"
    monkeypatch.setattr(observe, "site", lambda *_: Site(blue=Slot(made.live, "healthy")))
    return made


def test_the_repository_of_a_host_shrinks_again_and_every_kept_commit_stays(code, monkeypatch):
    monkeypatch.setattr(prune, "PACKS", 2)
    monkeypatch.setattr(prune, "KEPT", 2)
    sizes = []
    for number in range(7):
        attempt = code.deploy()
        code.live = f"R{number + 1}"
        prune.prune(attempt)
        sizes.append(code.size())
    assert max(sizes) < (prune.PACKS + prune.KEPT + 1) * SIZE * 1.1 < code.number * SIZE, sizes
    assert code.host_git("for-each-ref", "--format=%(refname:lstrip=2)").split() == ["R6", "R7"] * 2
    for kept in code.store.releases.records():
        assert code.host_git("cat-file", "-s", f"{kept.commit}:file") == str(SIZE)


def test_what_was_not_received_whole_goes_with_its_env_and_its_commit(code):
    code.deploy()
    code.receive(code.attempt())
    attempt = code.deploy()
    assert (code.store.release("R2") / "env").exists()
    prune.prune(attempt)
    assert sorted(path.name for path in code.store.releases_folder.iterdir()) == ["R1", "R3"]
    assert code.host_git("for-each-ref", "--format=%(refname:lstrip=2)").split() == ["R1", "R3"] * 2


def test_the_files_of_what_runs_stay_also_where_its_record_was_deleted(code):
    attempt = code.deploy()
    (code.store.release("R1") / "release.json").unlink()
    prune.prune(attempt)
    assert (code.store.release("R1") / "files" / "file").exists()


def test_of_attempts_and_programs_the_newest_stay_and_those_in_use(code, monkeypatch):
    root = code.store.root
    mine = begin_attempt(code.store, "0")
    for name, most in prune.RECENT.items():
        for number in range(most + 3):
            path = root / name / str(number)
            if name == "checked":
                write(path, "0\n")
            else:
                write(path / "inside" / "file", "text")
            os.utime(path, (number, number))
    monkeypatch.setattr(prune, "__file__", str(root / "bin" / "1" / "switchyard" / "host" / "prune.py"))
    prune.forget(mine)
    left = {name: {int(path.name) for path in (root / name).iterdir()} for name in prune.RECENT}
    newest = {name: set(range(3, most + 3)) for name, most in prune.RECENT.items()}
    assert left["attempts"] == newest["attempts"] | {0}
    assert left["bin"] == newest["bin"] - {3} | {1}, "the program that runs is the newest"
    assert left["checked"] == newest["checked"]


def test_failed_releases_never_push_a_good_one_out_and_what_a_colour_holds_stays():
    states = ["failed"] * 7 + ["good"] * 4 + ["unverified", "good", "good", "bad"]
    records = [record(len(states) - place, state) for place, state in enumerate(states)]
    gone = [each.number for each in superfluous(records, {"R2"})]
    assert sorted(gone) == [1, 3, 9, 10], "of 7 sound ones 5 stay, of 8 others 5, and R2, which a colour holds"
