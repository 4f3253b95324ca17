"""A way back in the journal of a host: recorded before it acts, found again by the command without a release."""

from __future__ import annotations

from switchyard.core.wire.request import Request
from switchyard.host.way_back import begin_way_back, left_for, pending_way_back
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import record

TYPED = Request("rollback", "shop", "~")


def test_a_way_back_that_began_is_found_with_the_release_that_it_leaves(new_store):
    new_store.releases.write(record(1))
    attempt = begin_attempt(new_store, verb="rollback", app="shop")
    begin_way_back(attempt, "R1", "R2")
    assert (attempt.wanted.id, attempt.leaves) == ("R1", "R2")
    pending = pending_way_back(new_store, TYPED)
    assert pending is not None and (pending.attempt, pending.release, pending.was) == ("one", "R1", "R2")


def test_a_command_that_names_its_release_means_that_one(new_store):
    new_store.releases.write(record(1))
    begin_way_back(begin_attempt(new_store, verb="rollback", app="shop"), "R1", "R2")
    assert pending_way_back(new_store, Request("rollback", "shop", "~", to="R1")) is None


def test_a_way_back_to_a_release_that_is_gone_is_not_found(new_store):
    begin_way_back(begin_attempt(new_store, verb="rollback", app="shop"), "R1", "R2")
    assert pending_way_back(new_store, TYPED) is None


def test_a_way_back_to_what_is_live_leaves_what_the_one_that_died_left(new_store):
    new_store.releases.write(record(1))
    assert left_for(new_store, "R1", "R2") == "R2" and left_for(new_store, "R1", "R1") == "R1"
    begin_way_back(begin_attempt(new_store, verb="rollback", app="shop"), "R1", "R2")
    assert left_for(new_store, "R1", "R1") == "R2"
    assert left_for(new_store, "R3", "R3") == "R3"
