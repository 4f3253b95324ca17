"""What a host writes down: whole files, a chained journal, a lease that one holds, and the way back."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from switchyard.core.errors import LEASE_HELD, Refused
from switchyard.core.journal import START, digest
from switchyard.host.adapters import store as module
from switchyard.host.adapters.files import write, write_json
from switchyard.host.adapters.kernel import process_start
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.prune import superfluous
from switchyard.host.rollback_target import choose


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "root")
    made.prepare()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_for_its_owner_only_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        write(tmp_path / "deep" / "file", "text")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "deep" / "file"), mode(tmp_path / "deep")) == (0o600, 0o700)


def test_a_file_of_another_mode_gets_that_of_the_write(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o644)
    write(tmp_path / "file", "new")
    assert mode(tmp_path / "file") == 0o600 and (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch, broken):
    def fail(*_: Any) -> None:
        raise OSError("no space left on device")

    write(tmp_path / "file", "old")
    with monkeypatch.context() as patch:
        patch.setattr(module.os, broken, fail)
        with pytest.raises(OSError, match="no space left"):
            write(tmp_path / "file", "new and longer")
    assert (tmp_path / "file").read_text() == "old"
    write(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_content_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    order: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(module.os, name, lambda *a, _n=name, _r=real: (order.append(_n), _r(*a))[1])
    write(tmp_path / "file", "text")
    assert order == ["fsync", "replace", "fsync"]


def test_a_newer_layout_is_refused(store):
    write(store.root / "layout", "2\n")
    with pytest.raises(Refused, match="has layout 2, newer than this Switchyard knows"):
        store.prepare()


def test_numbers_only_rise_also_when_releases_go(store):
    assert store.releases.next_number() == 1
    for number in (1, 9):
        write_json(store.release(f"R{number}") / "release.json", {"id": f"R{number}", "number": number})
    assert [record["id"] for record in store.releases.records()] == ["R9", "R1"]
    assert store.releases.next_number() == 10
    for path in store.releases_folder.glob("*/release.json"):
        path.unlink()
    assert store.releases.next_number() == 11


def test_the_record_of_a_release_changes_and_one_that_somebody_deleted_is_not_begun_anew(store):
    write_json(store.release("R1") / "release.json", {"id": "R1", "number": 1, "state": "live"})
    assert store.releases.update("R1", state="good")["state"] == "good"
    assert store.releases.record("R1") == {"id": "R1", "number": 1, "state": "good"}
    assert store.releases.update("R2", state="bad") == {}
    assert [record["id"] for record in store.releases.records()] == ["R1"] and not store.release("R2").exists()


def test_the_journal_is_an_unbroken_chain(store):
    for step in ("one", "two", "three"):
        store.journal.append({"step": step})
    lines = (store.root / "journal.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert [entry["before"] for entry in entries] == [START, digest(lines[0]), digest(lines[1])]
    assert store.journal.read() == (entries, []) and mode(store.root / "journal.jsonl") == 0o600


@pytest.mark.parametrize("torn", [b'{"v":1,"seq":3,"st', b'{"v":1,"who":"\xc3', b"\xff\x00"])
def test_the_journal_goes_on_after_a_torn_line_and_reports_it(store, torn):
    store.journal.append({"step": "one"})
    store.journal.append({"step": "two"})
    with open(store.root / "journal.jsonl", "ab") as file:
        file.write(torn)
    assert store.journal.read()[1] == ["line 3 is torn"]
    store.journal.append({"step": "three"})
    store.journal.append({"step": "four"})
    entries, problems = store.journal.read()
    assert [entry["step"] for entry in entries] == ["one", "two", "three", "four"]
    assert problems == ["line 3 is torn"]


def test_a_line_that_lost_only_its_end_of_line_is_still_part_of_the_chain(store):
    store.journal.append({"step": "one"})
    path = store.root / "journal.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    store.journal.append({"step": "two"})
    entries, problems = store.journal.read()
    assert [entry["step"] for entry in entries] == ["one", "two"] and problems == []


@pytest.mark.parametrize("line", [1, 2])
def test_a_line_that_is_gone_or_changed_is_reported(store, line):
    for step in ("one", "two", "three"):
        store.journal.append({"step": step})
    path = store.root / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: line - 1] + lines[line:]))
    assert store.journal.read()[1] == [f"line {line} does not follow line {line - 1}"]
    changed = [text.replace('"step":"', '"step":"x') if at == line else text for at, text in enumerate(lines, 1)]
    path.write_text("".join(changed))
    assert store.journal.read()[1] == [f"line {line + 1} does not follow line {line}"]


def dead() -> int:
    """The id of a process that has ended and is reaped."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_a_lease_is_taken_once_and_the_second_is_told_who_holds_it(store):
    number, before, taken = store.lease.take("A1", "deploy of abc1234", "ann@laptop")
    assert (number, before, taken) == (1, None, None)
    with pytest.raises(Refused, match=r"ann@laptop holds the lease: deploy of abc1234 since .* inv status") as caught:
        store.lease.take("A2", "rollback", "bob@desk")
    assert caught.value.exit == LEASE_HELD == 75
    assert store.lease.current().attempt == "A1" and mode(store.root / "lease.json") == 0o600


def test_a_lease_that_is_free_is_taken_with_a_higher_number(store):
    first, *_ = store.lease.take("A1", "deploy", "ann@laptop")
    store.lease.free(first)
    assert store.lease.current() is None
    assert store.lease.take("A2", "deploy", "bob@desk") == (first + 1, None, None)


@pytest.mark.parametrize("reused", [False, True])
def test_a_lease_of_a_dead_program_is_taken_over_in_so_many_words(store, reused):
    first, *_ = store.lease.take("A1", "deploy", "ann@laptop")
    gone = {"started": "0"} if reused else {"pid": dead()}
    write_json(store.root / "lease.json", replace(store.lease.current(), **gone).encode())
    second, before, taken = store.lease.take("A2", "rollback", "bob@desk")
    assert (second, before.number) == (
        first + 1,
        first,
    ) and taken == "took over from ann@laptop (deploy): its program is gone"
    assert store.lease.current().who == "bob@desk" and store.lease.current().started == process_start(os.getpid())


def test_a_lease_is_taken_by_force_in_so_many_words(store):
    store.lease.take("A1", "deploy", "ann@laptop")
    seen = store.lease.current()
    taken = store.lease.take("A2", "unlock", "bob@desk", over=seen)
    assert taken == (2, seen, "took over from ann@laptop (deploy): by force")


@pytest.mark.parametrize("since", ["another came", "it has switched"])
def test_a_lease_is_not_taken_by_force_from_a_holder_that_is_no_longer_as_it_was_seen(store, since):
    first, *_ = store.lease.take("A1", "deploy", "ann@laptop")
    seen = store.lease.current()
    if since == "another came":
        store.lease.take("A2", "deploy", "bob@desk", over=seen)
    else:
        store.lease.renew(first, switched=True)
    with pytest.raises(Refused, match="holds the lease: deploy"):
        store.lease.take("A3", "unlock", "eve@desk", over=seen)


def test_a_lease_that_is_given_back_is_nobody_s_to_act_by_and_still_names_what_runs(store):
    first, *_ = store.lease.take("A1", "deploy", "ann@laptop")
    second, before, _ = store.lease.take("A2", "unlock", "bob@desk", over=store.lease.current())
    store.lease.give_back(second, before)
    for number in (first, second):
        with pytest.raises(Superseded):
            store.lease.guard(number)
        store.lease.free(number)
    assert store.lease.current().attempt == "A1"


def test_after_a_takeover_the_first_can_do_nothing_more(store):
    first, *_ = store.lease.take("A1", "deploy", "ann@laptop")
    store.lease.guard(first)
    store.lease.renew(first, switched=True)
    assert store.lease.current().switched is True
    second, *_ = store.lease.take("A2", "deploy", "bob@desk", over=store.lease.current())
    for act in (store.lease.guard, store.lease.renew):
        with pytest.raises(Superseded, match="another attempt holds the lease"):
            act(first)
    store.lease.free(first)
    store.lease.guard(second)
    assert store.lease.current().attempt == "A2"


def test_a_lease_of_before_a_restart_holds_no_longer(store):
    store.lease.take("A1", "deploy", "ann@laptop")
    write_json(store.root / "lease.json", replace(store.lease.current(), boot="another").encode())
    assert store.lease.holder()[1] == "the host has been restarted since"


def record(number: int, state: str) -> dict[str, Any]:
    return {"id": f"R{number}", "number": number, "state": state, "commit": f"{number}abc"}


RECORDS = [
    record(7, "good"),
    record(6, "live"),
    record(5, "failed"),
    record(4, "bad"),
    record(3, "unverified"),
    record(2, "good"),
]


@pytest.mark.parametrize("live,target", [(6, "R3"), (3, "R2"), (None, "R7")])
def test_the_way_back_is_the_newest_sound_release_before_the_live_one(live, target):
    found = next((record for record in RECORDS if record["number"] == live), None)
    assert choose(RECORDS, found, None)["id"] == target


@pytest.mark.parametrize("to,target", [("R4", "R4"), ("R7", "R7"), ("5abc", "R5"), ("2a", "R2")])
def test_the_way_back_can_be_named_by_release_or_commit(to, target):
    assert choose(RECORDS, RECORDS[1], to)["id"] == target


def test_where_there_is_no_way_back_it_is_refused():
    with pytest.raises(Refused, match=r"nothing to go back to: .* \(live is R2\)"):
        choose(RECORDS, RECORDS[-1], None)
    with pytest.raises(Refused, match="nothing to go back to"):
        choose([record(2, "bad"), record(1, "failed")], None, None)
    with pytest.raises(Refused, match=r"no kept release is called 'R1'; kept are: R7, R6, R5, R4, R3, R2$"):
        choose(RECORDS, RECORDS[1], "R1")
    with pytest.raises(Refused, match="kept are: none"):
        choose([], None, "R1")


def test_failed_releases_never_push_a_good_one_out_and_what_a_colour_holds_stays():
    states = ["failed"] * 7 + ["good"] * 4 + ["unverified", "good", "good", "bad"]
    records = [record(len(states) - place, state) for place, state in enumerate(states)]
    gone = [one["number"] for one in superfluous(records, {"R2"})]
    assert sorted(gone) == [1, 3, 9, 10], "of 7 sound ones 5 stay, of 8 others 5, and R2, which a colour holds"
