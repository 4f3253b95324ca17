"""A takeover waits for the program that it took over from, and nobody ever acts beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.errors import LEASE_HELD, Refused
from switchyard.core.lease import LASTS
from switchyard.core.wire.request import Word
from switchyard.host import takeover
from switchyard.host.adapters.files import write, write_json
from switchyard.host.adapters.kernel import process_start
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from tests.harness.attempts import begin_attempt, say
from tests.harness.release_record import RECORD


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "root")
    store.prepare()
    return store


@pytest.fixture
def old(store: Store) -> Iterator[subprocess.Popen[bytes]]:
    """A program that took the lease, did not renew it for too long, and still runs."""
    with subprocess.Popen(["sleep", "60"]) as running:
        store.lease.take("old", "deploy", "ann@laptop")
        process = {"pid": running.pid, "started": process_start(running.pid), "operator": {"pid": 1}}
        lease = store.lease.current()
        write_json(store.root / "lease.json", replace(lease, renewed=lease.renewed - LASTS - 1, **process).encode())
        yield running
        running.kill()


def test_a_takeover_by_expiry_waits_for_the_program_that_still_runs(store, old, monkeypatch):
    looked: list[int] = []
    monkeypatch.setattr(takeover.time, "sleep", lambda _: (looked.append(1), old.kill(), old.wait()))
    takeover.take(begin_attempt(store, "new"))
    assert looked == [1] and store.lease.current().attempt == "new"


def test_nobody_acts_beside_a_program_that_does_not_end_however_often_it_is_tried(store, old, monkeypatch):
    monkeypatch.setattr(takeover, "ENDS_WITHIN", 0.0)
    for name in ("new", "newer"):
        with pytest.raises(Refused, match=rf"still runs \(process {old.pid} of the host\)") as caught:
            takeover.take(begin_attempt(store, name))
        assert caught.value.exit == LEASE_HELD and store.lease.current().attempt == "old"
    with pytest.raises(Superseded):
        store.lease.guard(1)
    old.kill()
    old.wait()
    takeover.take(begin_attempt(store, "newest"))
    assert store.lease.current().attempt == "newest"


def test_who_gives_up_waiting_leaves_the_next_one_to_wait(store, old):
    impatient = begin_attempt(store, "new")
    say(impatient, Word("cancel"))
    with pytest.raises(Cancelled):
        takeover.take(impatient)
    store.lease.free(impatient.lease.number)
    assert store.lease.current().attempt == "old" and store.lease.current().number > impatient.lease.number


@pytest.mark.parametrize("verb,more", [("deploy", {"gone": "old"}), ("unlock", {"force": True})])
def test_of_two_that_saw_the_same_holder_one_takes_over(store, old, monkeypatch, verb, more):
    monkeypatch.setattr(takeover, "_outlive", lambda *_: None)
    store.lease.renew(1)
    seen = store.lease.holder()
    takeover.take(begin_attempt(store, "first", verb, **more))
    (entry,) = store.journal.read()[0]
    why = "its operator is gone" if verb == "deploy" else "by force"
    assert entry.what == f"took over from ann@laptop (deploy): {why}"
    monkeypatch.setattr(
        store.lease, "holder", lambda real=store.lease.holder, seen=[seen]: seen.pop() if seen else real()
    )
    with pytest.raises(Refused, match="first@desk holds the lease") as caught:
        takeover.take(begin_attempt(store, "second", verb, **more))
    assert caught.value.exit == LEASE_HELD and store.lease.current().attempt == "first"


def freeze_before_taking(store: Store, monkeypatch: pytest.MonkeyPatch, attempt: Attempt) -> None:
    """Let the attempt stand still between its last look and the moment when it takes the lease."""
    taking = store.lease.take

    def take_late(*values: object, **named: object) -> object:
        attempt._alive_at -= 75
        attempt._typed_at -= 75
        attempt.inbox.heard_at -= 75
        return taking(*values, **named)

    monkeypatch.setattr(store.lease, "take", take_late)


def test_who_stood_still_just_before_the_lease_leaves_it_free(store, monkeypatch):
    attempt = begin_attempt(store, "new", "rollback")
    freeze_before_taking(store, monkeypatch, attempt)
    with pytest.raises(Refused, match="rollback was typed 75 s ago; run it again"):
        takeover.take(attempt)
    assert store.lease.current() is None and attempt.lease.number == 0


def test_who_stood_still_just_before_it_took_over_gives_the_lease_back(store, old, monkeypatch):
    attempt = begin_attempt(store, "new", "rollback")
    freeze_before_taking(store, monkeypatch, attempt)
    with pytest.raises(Refused, match="typed 75 s ago"):
        takeover.take(attempt)
    assert store.lease.current().attempt == "old", "its program may still act"


WAITS = [("rollback", {}, None, True), ("deploy", {"back": True}, None, True)]
WAITS += [("rollback", {}, "R1", False), ("deploy", {}, None, False), ("restart", {}, None, False)]


@pytest.mark.parametrize("doing,fields,to,waits", WAITS)
def test_a_rollback_without_a_release_waits_for_a_way_back_that_runs_and_for_nothing_else(
    store, monkeypatch, doing, fields, to, waits
):
    running = begin_attempt(store, "first", doing, **fields)
    write_json(running.folder / "request.json", running.request.encode())
    number = store.lease.take("first", doing, "ann@laptop").number
    looks: list[int] = []
    monkeypatch.setattr(takeover.time, "sleep", lambda _: (looks.append(1), store.lease.free(number)))
    second = begin_attempt(store, "second", "rollback", **({"to": to} if to else {}))
    if not waits:
        with pytest.raises(Refused, match="ann@laptop holds the lease"):
            takeover.take(second)
        return
    takeover.take(second)
    assert looks and second.awaited == "first" and store.lease.current().attempt == "second"
    assert "waiting for ann@laptop" in (second.folder / "events.jsonl").read_text()


def test_who_takes_the_lease_deletes_what_a_dead_attempt_left_of_what_it_was_sent(store):
    store.releases.write(RECORD)
    dead = begin_attempt(store, "dead")
    write(dead.folder / "pack", "env")
    write(store.build_secrets(RECORD.id) / "0", "secret")
    write(store.release(RECORD.id) / "env", "A=b")
    takeover.take(begin_attempt(store, "next"))
    assert not (dead.folder / "pack").exists() and not store.build_secrets(RECORD.id).exists()
    assert (store.release(RECORD.id) / "env").exists()
