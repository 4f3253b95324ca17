"""Attacks on the lease: a living holder loses it, or a dead one keeps it, because somebody cannot see the process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.control import operator_process
from switchyard.control.operator_process import is_orphan, this_process
from switchyard.core import lease as rules
from switchyard.core.errors import Refused
from switchyard.core.lease import LASTS, Lease, kernel_boot
from switchyard.core.wire.request import Holder, Operator, Request
from switchyard.host import takeover
from switchyard.host.adapters import lease as keeping
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.kernel import boot_id, now, process_start
from switchyard.host.adapters.lease import LeaseHeld, LeaseKeeper, Superseded
from switchyard.host.adapters.life import PROCESS, living
from switchyard.host.adapters.store import Store
from switchyard.host.channel import watchdog
from tests.harness.attack import Attack, promises

GONE = 2**22 + 1
"""The number of no process: the kernel counts to 2**22."""
HERE = kernel_boot(boot_id())
SHARED = fcntl.LOCK_SH
ELSEWHERE, HIDDEN = f"{HERE}/17", f"{HERE}/?"
"""The boot as a program in another PID namespace, and one behind ``hidepid``, writes it down."""


@contextlib.contextmanager
def program(folder: Path, **fields: object) -> Iterator[Store]:
    """Run a program that holds the lease, which reads as another PID namespace wrote it."""
    store = Store(folder / "root")
    store.create()
    attempt = store.attempts / "A1"
    attempt.mkdir(exist_ok=True)
    (attempt / "request.json").write_text("{}")
    with living(attempt, store.reserve) as lock:
        store.lease.take("A1", "deploy", "ann@laptop", lock=lock)
        rewrite(store, **fields)
        yield store


def rewrite(store: Store, **fields: object) -> None:
    lease = store.lease.current()
    assert lease is not None
    write_json(store.root / "lease.json", replace(lease, **fields).encode())


def steals(store: Store, verb: str = "rollback") -> bool:
    """Return whether another attempt takes the lease."""
    try:
        store.lease.take("B1", verb, "bob@desk")
    except LeaseHeld:
        return False
    return True


def stolen(**fields: object) -> Callable[[Path], bool]:
    def gets_through(folder: Path) -> bool:
        with program(folder, **fields) as store:
            return steals(store)

    return gets_through


def freed(**fields: object) -> Callable[[Path], bool]:
    """The twin: the program has ended, and the next attempt takes the lease at once."""

    def twin(folder: Path) -> bool:
        with program(folder, **fields) as store:
            pass
        return steals(store)

    return twin


def by_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge every program by its process id and the whole boot id."""
    for module in (rules, keeping):
        monkeypatch.setattr(module, "kernel_boot", lambda boot: boot)

    def lives(_: LeaseKeeper, lease: Lease) -> bool:
        return lease.boot == boot_id() and process_start(lease.pid) == lease.started

    monkeypatch.setattr(LeaseKeeper, "lives", lives)
    monkeypatch.setattr(LeaseKeeper, "is_over", lambda keeper, lease: not lives(keeper, lease))


DISGUISES: dict[str, dict[str, object]] = {
    "it lives in another container": {"boot": ELSEWHERE, "pid": GONE},
    "it is hidden by hidepid": {"boot": HIDDEN, "pid": GONE},
    "its number is another process here": {"pid": os.getpid(), "started": "1"},
    "its number is process 1 here": {"boot": ELSEWHERE, "pid": 1, "started": "1"},
    "its number is nobody here": {"pid": GONE},
    "it did not see its own start": {"started": "?"},
    "it has switched, in another container": {"boot": ELSEWHERE, "pid": GONE, "switched": True},
    "it holds the lease to roll back, behind hidepid": {"boot": HIDDEN, "pid": GONE, "doing": "rollback"},
}


def older(**fields: object) -> Callable[[Path], bool]:
    """Steal a lease that an older version took and that this process cannot judge."""
    return stolen(**{"lock": None, "pid": GONE, **fields})


def older_ended(folder: Path) -> bool:
    """The twin: its time is over, so whoever held it unseen holds it no longer."""
    with program(folder, lock=None, pid=GONE, boot=ELSEWHERE, renewed=now() - LASTS - 1) as store:
        return steals(store)


def replaced(how: Callable[[Path], None]) -> Callable[[Path], bool]:
    """Put something else where the file stands that the living program locks."""

    def gets_through(folder: Path) -> bool:
        with program(folder, boot=ELSEWHERE, pid=GONE) as store:
            how(store.attempts / "A1" / PROCESS)
            return steals(store)

    return gets_through


def copy(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    os.replace(path.with_name("copy"), path)


def link(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.unlink()
    path.symlink_to("copy")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def whatever_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take any file for the one that the program locks, and none for a proof of its death."""
    by_path = keeping.is_held
    monkeypatch.setattr(keeping, "is_held", lambda path, inode: bool(path.is_file() and by_path(path.resolve())))


def followed(gone: bool) -> Callable[[Path], bool]:
    """Look after a program from another PID namespace. Return whether it is found as ``gone`` says."""

    def look(folder: Path) -> bool:
        with program(folder) as store:
            path = store.attempts / "A1" / PROCESS
            with open(path, "r+") as file:
                number, _ = file.read().split(maxsplit=1)
                file.seek(0)
                file.write("9" * len(number))
            if not gone:
                return watchdog.is_gone(path.parent)
        return watchdog.is_gone(path.parent)

    return look


def follow_by_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_gone(folder: Path) -> bool:
        pid, started, *_ = (folder / PROCESS).read_text().split()
        return process_start(int(pid)) != started

    monkeypatch.setattr(watchdog, "is_gone", is_gone)


def forced_over(folder: Path) -> bool:
    """Force the lease from a program in another container, and act while it still runs."""
    with program(folder, boot=ELSEWHERE, pid=GONE) as store:
        before = store.lease.current()
        assert before is not None
        store.lease.take("B1", "unlock", "bob@desk", over=before, because="by force")
        return store.lease.is_over(before)


def forced_over_the_dead(folder: Path) -> bool:
    with program(folder, boot=ELSEWHERE, pid=GONE) as store:
        before = store.lease.current()
    assert before is not None
    return store.lease.is_over(before)


def unlocked(folder: Path) -> bool:
    """Unlock a living program's lease without force, from another container."""
    with program(folder, boot=ELSEWHERE, pid=GONE) as store:
        try:
            takeover.require_dead_or_forced(Request("unlock", "web", str(store.root)), *store.lease.holder())
        except Refused:
            return False
        return True


def unlocked_the_dead(folder: Path) -> bool:
    with program(folder, boot=ELSEWHERE, pid=GONE) as store:
        pass
    takeover.require_dead_or_forced(Request("unlock", "web", str(store.root)), *store.lease.holder())
    return True


def orphaned(change: Callable[[Operator], Operator], hides: bool = False) -> Callable[[Path], bool]:
    """Take a living operator's process for gone."""

    def gets_through(_: Path) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            if hides:
                patch.setattr(operator_process, "Path", hidden)
            return is_orphan(Holder("A1", change(this_process())))

    return gets_through


def hidden(path: str) -> Path:
    """Stand for /proc where other processes are hidden. The boot's id stays readable in it."""
    return Path(path) if "boot_id" in path else Path("/nowhere")


def orphan(_: Path) -> bool:
    """The twin: an operator of this very namespace is gone, and that is certain."""
    return is_orphan(Holder("A1", replace(this_process(), pid=GONE)))


def in_another_namespace(operator: Operator) -> Operator:
    machine = str(operator.machine).rpartition("/")[0]
    return replace(operator, machine=f"{machine}/pid:[1]", pid=GONE)


def one_namespace_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator_process.os, "readlink", lambda _: "pid:[1]")


def hidden_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator_process, "_start_time", lambda pid: None)


def kept_by_the_dead(**fields: object) -> Callable[[Path], bool]:
    """Keep the lease of a program that is dead: its number and start are those of a process that lives here."""
    alive = {"boot": boot_id(), "pid": os.getpid(), "started": process_start(os.getpid())}

    def gets_through(folder: Path) -> bool:
        with program(folder, **{**alive, **fields}) as store:
            pass
        return not steals(store)

    return gets_through


def kept_by_the_living(folder: Path) -> bool:
    with program(folder) as store:
        return not steals(store)


def act_late(folder: Path) -> bool:
    """Act with the number of a lease that another attempt has taken since."""
    with program(folder) as store:
        pass
    number = store.lease.last_number()
    store.lease.take("B1", "deploy", "bob@desk")
    try:
        store.lease.guard(number)
    except Superseded:
        return False
    return True


def act(folder: Path) -> bool:
    with program(folder) as store:
        store.lease.guard(store.lease.last_number())
    return True


def hold_a_shared_lock(folder: Path) -> bool:
    """Keep a dead program's lease by looking at its file all the time: a look takes no lock from another."""
    with program(folder) as store:
        pass
    path = store.attempts / "A1" / PROCESS
    with open(path) as file:
        fcntl.flock(file, SHARED)
        return not steals(store)


def looks_take_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "LOCK_SH", fcntl.LOCK_EX)


ATTACKS = [
    *(
        Attack(f"steal a living program's lease: {name}", stolen(**fields), freed(**fields), by_process_alone)
        for name, fields in DISGUISES.items()
    ),
    *(
        Attack(f"steal the lease of an older version {name}", older(boot=boot), older_ended, by_process_alone)
        for name, boot in {"in another container": ELSEWHERE, "behind hidepid": HIDDEN}.items()
    ),
    *(
        Attack(f"pass a living program off as dead: its file is {name}", replaced(how), freed(), whatever_stands_there)
        for name, how in {"a copy": copy, "a link to a copy": link, "gone": Path.unlink, "a pipe": pipe}.items()
    ),
    Attack("follow a program from another container and end it", followed(False), followed(True), follow_by_process),
    Attack("act beside a forced program that still runs unseen", forced_over, forced_over_the_dead, by_process_alone),
    Attack("unlock without force from another container", unlocked, unlocked_the_dead, by_process_alone),
    Attack(
        "take an operator in another container for gone",
        orphaned(in_another_namespace),
        orphan,
        one_namespace_for_all,
    ),
    Attack(
        "take an operator behind hidepid for gone",
        orphaned(lambda here: replace(here, started="99"), hides=True),
        orphan,
        hidden_is_gone,
    ),
    Attack("keep a dead program's lease by its number", kept_by_the_dead(), kept_by_the_living, by_process_alone),
    Attack(
        "keep a dead program's lease by its number, after the switch",
        kept_by_the_dead(switched=True),
        kept_by_the_living,
        by_process_alone,
    ),
    Attack(
        "keep a dead program's lease by a look that does not end",
        hold_a_shared_lock,
        kept_by_the_living,
        looks_take_the_lock,
    ),
    Attack(
        "act after another attempt took over",
        act_late,
        act,
        lambda patch: patch.setattr(LeaseKeeper, "guard", lambda *_: None),
    ),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
