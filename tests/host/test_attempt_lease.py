"""The lease as an attempt holds it: guarded and renewed when that is due, and never without a number."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.lease import RENEW_EVERY
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.attempt_lease import GUARD_EVERY, AttemptLease


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "root")
    store.prepare()
    return store


def taken(store: Store, name: str = "one") -> AttemptLease:
    lease = AttemptLease(store.lease)
    lease.number = store.lease.take(name, "deploy", "ann@laptop", over=store.lease.current()).number
    return lease


def age(lease: AttemptLease, seconds: float) -> None:
    lease._renewed_at -= seconds
    lease._guarded_at -= seconds


def test_an_attempt_without_the_lease_renews_nothing(store):
    lease = AttemptLease(store.lease)
    age(lease, RENEW_EVERY + 1)
    lease.tick(renews=True)
    lease.linger()
    assert store.lease.current() is None


@pytest.mark.parametrize("renews", [True, False])
def test_a_tick_renews_when_that_is_due_and_wanted(store, renews):
    lease = taken(store)
    before = store.lease.current().renewed
    lease.tick(renews=renews)
    assert store.lease.current().renewed == before, "it is not due yet"
    age(lease, RENEW_EVERY + 1)
    lease.tick(renews=renews)
    assert (store.lease.current().renewed > before) is renews


def test_a_tick_notices_a_takeover_and_lingering_ignores_it(store):
    lease = taken(store)
    taken(store, "two")
    age(lease, GUARD_EVERY + 1)
    with pytest.raises(Superseded):
        lease.tick(renews=False)
    age(lease, RENEW_EVERY + 1)
    lease.linger()
    assert store.lease.current().attempt == "two"


def test_a_renewal_records_that_the_attempt_switched(store):
    lease = taken(store)
    lease.has_switched = True
    lease.renew()
    assert store.lease.current().switched
