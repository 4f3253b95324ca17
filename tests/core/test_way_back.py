"""A rollback that is typed again finds the way back that it meant, wherever that one was cut off."""

from __future__ import annotations

import itertools

import pytest

from switchyard.core.journal import OUTCOMES, AnyEntry, EndEntry, ShownEntry, StepEntry, TakeoverEntry, WayBackEntry
from switchyard.core.way_back import NOTHING_CHANGED, pending

BACK, NEW, OLDER = "20260101T000000Z-0000001", "20260102T000000Z-0000002", "20251231T000000Z-0000000"


def begins(attempt: str, release: str = BACK) -> list[AnyEntry]:
    return [WayBackEntry(attempt=attempt, release=release, host="prod", was=NEW)]


def moves(attempt: str, release: str = BACK) -> list[AnyEntry]:
    return [
        StepEntry(attempt=attempt, release=release, host="prod", step="switch", colour="blue", what=what)
        for what in ("intent", "done")
    ]


def ends(attempt: str, outcome: str = "live", verb: str = "rollback") -> list[AnyEntry]:
    fields = {"attempt": attempt, "release": BACK, "host": "prod", "who": "ann@desk", "was": NEW, "why": ""}
    return [EndEntry(step=verb, what=outcome, exit=0, **fields)]


def shown(attempt: str) -> list[AnyEntry]:
    return [ShownEntry(attempt=attempt, release=BACK, host="prod")]


WHOLE = [*begins("A"), *moves("A"), *ends("A")]
DEPLOY = [*moves("D", NEW), *ends("D", verb="deploy"), *shown("D")]


def target(entries: list[AnyEntry], awaited: str | None = None) -> str | None:
    way_back = pending(entries, awaited)
    return way_back.release if way_back is not None else None


@pytest.mark.parametrize("cut", range(1, len(WHOLE) + 1))
def test_a_way_back_is_pending_wherever_it_was_cut_off_until_its_end_was_shown(cut: int) -> None:
    assert target([*DEPLOY, *WHOLE[:cut]]) == BACK
    assert target([*DEPLOY, *WHOLE, *shown("A")]) is None


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_end_that_may_have_left_the_target_live_is_pending_until_it_was_shown(outcome: str) -> None:
    entries = [*begins("A"), *moves("A"), *ends("A", outcome)]
    assert (target(entries) is None) is (outcome in NOTHING_CHANGED)
    assert (target([*entries, *shown("A")]) == BACK) is (outcome == "superseded")


def test_whoever_typed_while_it_ran_had_not_seen_its_end_whoever_else_was_shown_that() -> None:
    assert target([*WHOLE, *shown("A")], awaited="A") == BACK
    assert target([*begins("A"), *ends("A", "failed"), *shown("A")], awaited="A") is None, "nothing to confirm"


@pytest.mark.parametrize("confirmations", [1, 2])
def test_a_confirmation_that_nobody_was_shown_is_confirmed_and_one_that_was_shown_settles_it(confirmations) -> None:
    names = [f"C{number}" for number in range(confirmations)]
    entries = [*WHOLE, *itertools.chain.from_iterable([*begins(name), *ends(name)] for name in names)]
    assert target(entries) == BACK
    assert target([*entries, *shown(names[-1])]) is None


@pytest.mark.parametrize("verb,outcome", [("deploy", "failed"), ("deploy", "refused"), ("restart", "restarted")])
def test_what_moved_no_traffic_since_settles_nothing_even_where_its_end_was_shown(verb: str, outcome: str) -> None:
    later = [TakeoverEntry(attempt="L", release=None, host=None, what="took over"), *ends("L", outcome, verb)]
    assert target([*WHOLE, *later, *shown("L")]) == BACK


def test_a_deploy_that_moved_traffic_since_settles_it() -> None:
    assert target([*WHOLE, *DEPLOY]) is None
    assert target([*WHOLE, *moves("D", NEW)[:1]]) is None, "also one that died at its switch"


def test_the_last_way_back_counts_and_a_refused_one_after_it_does_not() -> None:
    second = [*begins("B", OLDER), *moves("B", OLDER), *ends("B")]
    assert target([*WHOLE, *second]) == OLDER
    assert target([*WHOLE, *begins("B", OLDER), *ends("B", "refused"), *shown("B")]) == BACK


def test_ways_back_of_versions_that_recorded_none_count_as_shown() -> None:
    assert target([*moves("A"), *ends("A")]) is None
    assert target([]) is None
