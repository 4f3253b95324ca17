"""Settings, commits, the lease and the journal: what goes in, and what is said when it is wrong."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.control import commit as source
from switchyard.core import journal
from switchyard.core.errors import BadInput, Refused
from switchyard.core.lease import LASTS, Lease, ended
from switchyard.host.adapters import store as store_module
from switchyard.host.adapters.files import write
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.rollback_target import choose


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


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path):
    write(tmp_path / "a" / "file", "text")
    assert (tmp_path / "a" / "file").read_text() == "text"
    assert stat.S_IMODE((tmp_path / "a" / "file").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]


def store(folder: Path) -> Store:
    made = Store(folder / "root")
    made.prepare()
    return made


def test_the_journal_goes_on_after_a_torn_line_and_says_so(tmp_path):
    here = store(tmp_path)
    here.append({"step": "one"})
    here.append({"step": "two"})
    assert [entry["step"] for entry in here.journal()[0]] == ["one", "two"] and here.journal()[1] == []
    with open(here.root / "journal.jsonl", "a") as file:
        file.write('{"torn')
    here.append({"step": "three"})
    entries, problems = here.journal()
    assert [entry["step"] for entry in entries] == ["one", "two", "three"]
    assert problems == ["line 3 is torn"]


def test_a_line_that_was_changed_breaks_the_chain():
    lines = [journal.line(None, 1, {"a": 1})]
    lines.append(journal.line(lines[0], 2, {"a": 2}))
    assert journal.read(lines)[1] == []
    assert journal.read([lines[0].replace('"a":1', '"a":3'), lines[1]])[1] == ["line 2 does not follow line 1"]


def test_the_lease_is_held_by_one_and_passes_on_when_its_holder_is_dead(tmp_path):
    here = store(tmp_path)
    number, _, taken = here.take("first", "deploy", "ann@laptop")
    assert taken is None
    with pytest.raises(Refused, match="ann@laptop holds the lease") as caught:
        here.take("second", "deploy", "bob@laptop")
    assert caught.value.exit == 75
    child = subprocess.Popen(["true"])
    lease = here.lease()
    assert lease is not None
    child.wait()
    write(here.root / "lease.json", json.dumps(replace(lease, pid=child.pid).encode()))
    raised, _, taken = here.take("second", "deploy", "bob@laptop")
    assert raised == number + 1 and "its program is gone" in str(taken)
    with pytest.raises(Superseded):
        here.guard(number)
    here.free(raised)
    assert here.lease() is None and here.take("third", "deploy", "x")[0] == raised + 1


def test_a_lease_that_is_given_back_just_before_its_program_ends_is_not_told_as_held_by_the_dead(tmp_path, monkeypatch):
    here = store(tmp_path)
    number, *_ = here.take("first", "deploy", "ann@laptop")

    def ends(lease: Lease) -> bool:
        here.free(number)
        return False

    monkeypatch.setattr(store_module, "runs", ends)
    assert here.holder() == (None, None)


def test_a_lease_ends_by_restart_death_or_silence_only():
    lease = Lease(1, "a", "deploy", "x", 0.0, 100.0, "boot", os.getpid(), "1")
    assert ended(lease, boot="boot", now=100.0 + LASTS, alive=True) is None
    assert "restarted" in str(ended(lease, boot="other", now=100.0, alive=True))
    assert "gone" in str(ended(lease, boot="boot", now=100.0, alive=False))
    assert "renewed" in str(ended(lease, boot="boot", now=101.0 + LASTS, alive=True))


def record(number: int, state: str) -> dict:
    return {"id": f"R{number}", "number": number, "state": state, "commit": f"c{number}"}


def test_the_way_back_is_the_newest_sound_release_before_the_live_one():
    records = [record(5, "good"), record(4, "failed"), record(3, "bad"), record(2, "unverified"), record(1, "good")]
    live = {"id": "R5", "number": 5}
    assert choose(records, live, None)["id"] == "R2"
    assert choose(records, live, "R3")["id"] == "R3"
    assert choose(records, live, "c1")["id"] == "R1"
    with pytest.raises(Refused, match="nothing to go back to"):
        choose(records[:3], live, None)
    with pytest.raises(Refused, match="kept are: R5"):
        choose(records, live, "R9")
