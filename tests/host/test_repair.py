"""``inv unlock --force`` repairs a lease and a journal that nobody can read, and keeps what was broken."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switchyard.core.errors import LEASE_HELD
from switchyard.core.journal import EndEntry, StepEntry, TakeoverEntry
from switchyard.core.wire.request import Request
from switchyard.host import program, takeover
from switchyard.host.adapters.kernel import process_start
from switchyard.host.adapters.store import Store

DAMAGED = {"empty": b"", "torn": b'{"attempt": "A1", "number": 7, "who', "binary": b"\xff\x00", "another's": b"[1, 2]"}


def unlock(store: Store, *, force: bool = True, name: str = "one") -> dict[str, Any]:
    folder = store.attempts / name
    folder.mkdir()
    request = Request("unlock", "web", str(store.root), who="ann@laptop", reason="why", force=force)
    (folder / "request.json").write_text(json.dumps(request.encode()))
    program.run(store.root, folder)
    end: dict[str, Any] = json.loads((folder / "events.jsonl").read_text().splitlines()[-1])
    return end


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_lease_is_repaired_by_force_alone_and_kept(new_store, content):
    path = new_store.root / "lease.json"
    path.write_bytes(content)
    refused = unlock(new_store, force=False)
    assert refused["exit"] == 1 and "inv unlock --force --reason WHY" in refused["reason"]
    assert path.read_bytes() == content
    assert unlock(new_store, name="two")["outcome"] == "unlocked"
    assert path.with_name("lease.json.broken-1").read_bytes() == content
    assert new_store.lease.holder() == (None, None)
    takeovers = [entry.what for entry in new_store.journal.read()[0] if isinstance(entry, TakeoverEntry)]
    assert [text.endswith("It is kept as lease.json.broken-1") for text in takeovers] == [True]


def test_nobody_acts_by_a_number_of_before_the_repair(new_store):
    numbers = (7, int(time.time()) + 10**6)
    for place, number in enumerate(numbers):
        (new_store.root / "lease.json").write_text(f'{{"attempt": "A1", "number": {number}, ')
        assert unlock(new_store, name=f"a{place}")["outcome"] == "unlocked"
        assert new_store.lease.last_number() > max(number, time.time() - 60)


@pytest.fixture
def beside(new_store: Store) -> Iterator[subprocess.Popen[bytes]]:
    """A program that acted under the lease that is damaged now."""
    (new_store.attempts / "other").mkdir()
    (new_store.root / "lease.json").write_text("")
    with subprocess.Popen(["sleep", "60"]) as process:
        (new_store.attempts / "other" / "process").write_text(f"{process.pid} {process_start(process.pid)}")
        yield process
        process.kill()


def test_the_repair_waits_for_every_program_that_still_runs(new_store, beside, monkeypatch):
    monkeypatch.setattr(takeover, "ENDS_WITHIN", 0.2)
    end = unlock(new_store)
    assert end["exit"] == LEASE_HELD and "other still runs on this host" in end["reason"]
    beside.kill()
    beside.wait()
    (new_store.root / "lease.json").write_text("")
    assert unlock(new_store, name="two")["outcome"] == "unlocked"


@pytest.mark.parametrize("stands", ["a torn line", "a folder"])
def test_a_broken_journal_is_repaired_with_what_can_be_read_of_it(new_store, stands):
    path = new_store.root / "journal.jsonl"
    entry = StepEntry(attempt="A1", release=None, host="prod", step="build", colour=None, what="intent")
    if stands == "a folder":
        path.mkdir()
    else:
        new_store.journal.append(entry)
        path.write_bytes(path.read_bytes() + b'{"torn\n')
    assert new_store.journal.problems()[-1].startswith("inv unlock --force")
    assert unlock(new_store)["outcome"] == "unlocked"
    entries, problems = new_store.journal.read()
    assert problems == [] and isinstance(entries[0], TakeoverEntry) and isinstance(entries[-1], EndEntry)
    assert "It is kept as journal.jsonl.broken-1" in entries[0].what
    assert len(entries) == (2 if stands == "a folder" else 3)
    assert os.path.lexists(new_store.root / "journal.jsonl.broken-1")


def test_a_whole_journal_stays_as_it_is(new_store):
    assert "nobody holds the lease" in unlock(new_store)["reason"]
    assert sorted(path.name for path in Path(new_store.root).glob("*.broken-*")) == []
