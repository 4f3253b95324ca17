"""A lease that one attempt holds at a time, taken over only from the dead, the expired or by force."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.errors import LEASE_HELD, Refused
from switchyard.core.lease import LASTS, Lease, kernel_boot
from switchyard.host.adapters import lease as lease_module
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.kernel import UNSEEN, boot_id, now, process_start
from switchyard.host.adapters.lease import LeaseKeeper, Superseded
from switchyard.host.adapters.life import living
from switchyard.host.adapters.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "root")
    made.prepare()
    return made


@pytest.fixture
def keeper(store: Store) -> LeaseKeeper:
    return store.lease


def dead() -> int:
    """The id of a process that has ended and is reaped."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_a_lease_is_taken_once_and_the_second_is_told_who_holds_it(store, keeper):
    number, before, why = keeper.take("A1", "deploy of abc1234", "ann@laptop")
    assert (number, before, why) == (1, None, None)
    with pytest.raises(Refused, match=r"ann@laptop holds the lease: deploy of abc1234 since .* inv status") as caught:
        keeper.take("A2", "rollback", "bob@desk")
    assert caught.value.exit == LEASE_HELD == 75
    assert keeper.current().attempt == "A1" and stat.S_IMODE((store.root / "lease.json").stat().st_mode) == 0o600


def test_a_lease_that_is_free_is_taken_with_a_higher_number(keeper):
    first, *_ = keeper.take("A1", "deploy", "ann@laptop")
    keeper.free(first)
    assert keeper.current() is None
    assert keeper.take("A2", "deploy", "bob@desk") == (first + 1, None, None)


@pytest.mark.parametrize("reused", [False, True])
def test_a_lease_of_a_dead_program_is_taken_over_in_so_many_words(store, keeper, reused):
    first, *_ = keeper.take("A1", "deploy", "ann@laptop")
    gone = {"started": "0"} if reused else {"pid": dead()}
    write_json(store.root / "lease.json", replace(keeper.current(), **gone).encode())
    second, before, why = keeper.take("A2", "rollback", "bob@desk")
    assert (second, before.number) == (first + 1, first)
    assert why == "took over from ann@laptop (deploy): its program is gone"
    assert keeper.current().who == "bob@desk" and keeper.current().started == process_start(os.getpid())


def test_a_lease_passes_on_when_its_holder_is_dead_and_the_dead_can_do_nothing_more(store, keeper):
    number, _, why = keeper.take("first", "deploy", "ann@laptop")
    assert why is None
    with pytest.raises(Refused, match="ann@laptop holds the lease") as caught:
        keeper.take("second", "deploy", "bob@laptop")
    assert caught.value.exit == 75
    write_json(store.root / "lease.json", replace(keeper.current(), pid=dead()).encode())
    raised, _, why = keeper.take("second", "deploy", "bob@laptop")
    assert raised == number + 1 and "its program is gone" in str(why)
    with pytest.raises(Superseded):
        keeper.guard(number)
    keeper.free(raised)
    assert keeper.current() is None and keeper.take("third", "deploy", "x")[0] == raised + 1


def test_a_lease_that_is_given_back_just_before_its_program_ends_is_not_reported_as_held_by_the_dead(
    keeper, monkeypatch
):
    number, *_ = keeper.take("first", "deploy", "ann@laptop")

    def ends(lease: Lease) -> bool:
        keeper.free(number)
        return False

    monkeypatch.setattr(lease_module, "is_running", ends)
    assert keeper.holder() == (None, None)


@pytest.mark.parametrize("because", ["by force", "its operator is gone"])
def test_a_lease_of_a_living_holder_is_taken_over_for_a_reason_in_so_many_words(keeper, because):
    keeper.take("A1", "deploy", "ann@laptop")
    seen = keeper.current()
    taken = keeper.take("A2", "unlock", "bob@desk", over=seen, because=because)
    assert taken == (2, seen, f"took over from ann@laptop (deploy): {because}")


@pytest.mark.parametrize("since", ["another came", "it has switched"])
def test_a_lease_is_not_taken_by_force_from_a_holder_that_is_no_longer_as_it_was_seen(keeper, since):
    first, *_ = keeper.take("A1", "deploy", "ann@laptop")
    seen = keeper.current()
    if since == "another came":
        keeper.take("A2", "deploy", "bob@desk", over=seen)
    else:
        keeper.renew(first, switched=True)
    with pytest.raises(Refused, match="holds the lease: deploy"):
        keeper.take("A3", "unlock", "eve@desk", over=seen)


def test_a_lease_that_is_given_back_is_nobody_s_to_act_by_and_still_names_what_runs(keeper):
    first, *_ = keeper.take("A1", "deploy", "ann@laptop")
    second, before, _ = keeper.take("A2", "unlock", "bob@desk", over=keeper.current())
    keeper.give_back(second, before)
    for number in (first, second):
        with pytest.raises(Superseded):
            keeper.guard(number)
        keeper.free(number)
    assert keeper.current().attempt == "A1"


def test_after_a_takeover_the_first_can_do_nothing_more(keeper):
    first, *_ = keeper.take("A1", "deploy", "ann@laptop")
    keeper.guard(first)
    keeper.renew(first, switched=True)
    assert keeper.current().switched is True
    second, *_ = keeper.take("A2", "deploy", "bob@desk", over=keeper.current())
    for act in (keeper.guard, keeper.renew):
        with pytest.raises(Superseded, match="another attempt holds the lease"):
            act(first)
    keeper.free(first)
    keeper.guard(second)
    assert keeper.current().attempt == "A2"


def test_a_lease_of_before_a_restart_holds_no_longer(store, keeper):
    keeper.take("A1", "deploy", "ann@laptop")
    write_json(store.root / "lease.json", replace(keeper.current(), boot="another").encode())
    assert keeper.holder()[1] == "the host has been restarted since"


def test_a_renewal_without_word_of_the_switch_leaves_it_as_it_was(keeper):
    number, *_ = keeper.take("A1", "deploy", "ann@laptop")
    keeper.renew(number, switched=True)
    keeper.renew(number)
    assert keeper.current().switched is True


def foreign(store: Store, **fields: object) -> Store:
    """Write the lease that stands here as another PID namespace reads or writes it."""
    write_json(store.root / "lease.json", replace(store.lease.current(), **fields).encode())
    return store


@pytest.fixture
def elsewhere(store: Store) -> Iterator[Store]:
    """A host whose lease a program holds that lives in another container: no process here has its number."""
    (store.attempts / "A1").mkdir()
    with living(store.attempts / "A1", store.reserve) as lock:
        store.lease.take("A1", "deploy", "ann@laptop", lock=lock)
        yield foreign(store, pid=dead(), boot=f"{kernel_boot(boot_id())}/17")


def test_a_program_that_lives_in_another_container_keeps_its_lease_until_it_dies(elsewhere):
    assert elsewhere.lease.holder()[1] is None and not elsewhere.lease.is_over(elsewhere.lease.current())
    with pytest.raises(Refused, match="ann@laptop holds the lease"):
        elsewhere.lease.take("A2", "rollback", "bob@desk")


def test_a_program_whose_lock_can_be_taken_is_dead_whatever_its_number_says(store, elsewhere):
    os.replace(store.attempts / "A1" / "process", store.attempts / "A1" / "kept")
    assert store.lease.holder()[1] is None, "a file that is gone tells nothing"
    (store.attempts / "A1" / "process").touch()
    lock = (store.attempts / "A1" / "process").stat().st_ino
    foreign(store, lock=lock, pid=os.getpid(), started=process_start(os.getpid()))
    assert store.lease.holder()[1] == "its program is gone"


@pytest.mark.parametrize("boot", ["/17", "/?"])
def test_a_lease_of_an_older_version_holds_until_its_time_is_over_where_its_process_cannot_be_seen(store, boot):
    store.lease.take("A1", "deploy", "ann@laptop")
    foreign(store, pid=dead(), boot=kernel_boot(boot_id()) + boot)
    assert store.lease.holder()[1] is None and not store.lease.is_over(store.lease.current())
    foreign(store, renewed=now() - LASTS - 1)
    assert "it was last renewed" in store.lease.holder()[1] and store.lease.is_over(store.lease.current())


def test_behind_hidepid_a_process_that_is_not_seen_is_unknown_and_one_that_is_seen_is_known(store, monkeypatch):
    boot = kernel_boot(boot_id()) + UNSEEN
    monkeypatch.setattr(lease_module, "boot_id", lambda: boot)
    store.lease.take("A1", "deploy", "ann@laptop")
    assert store.lease.lives(store.lease.current()) is True
    foreign(store, started="0")
    assert store.lease.lives(store.lease.current()) is False
    foreign(store, pid=dead())
    assert store.lease.lives(store.lease.current()) is None


def test_a_lease_of_an_older_version_has_no_lock(store):
    store.lease.take("A1", "deploy", "ann@laptop")
    older = {name: item for name, item in store.lease.current().encode().items() if name not in ("minor", "lock")}
    write_json(store.root / "lease.json", older)
    assert store.lease.current().lock is None and store.lease.holder()[1] is None


def test_a_lease_is_freed_as_in_the_golden_file(store, keeper):
    golden = Path(__file__).resolve().parents[2] / "golden" / "formats" / "lease" / "free.json"
    number, *_ = keeper.take("A1", "deploy", "ann@laptop")
    keeper.free(number)
    assert json.loads((store.root / "lease.json").read_text()) == {**json.loads(golden.read_text()), "number": number}
