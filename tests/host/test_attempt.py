"""One run of a verb on a host: whom it listens to, and when it gives up."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.lease import BEAT_WITHIN
from switchyard.core.wire.request import Word
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from tests.harness.attempts import begin_attempt, say


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store)
    attempt.lease.number = store.lease.take("one", "deploy", "me@here").number
    return attempt


def fall_silent(attempt: Attempt) -> None:
    """Let more time pass without a word than an attempt bears before its switch."""
    attempt.inbox.heard_at -= BEAT_WITHIN + 1
    attempt.lease._renewed_at -= BEAT_WITHIN + 1


def test_before_the_switch_it_gives_up_when_nobody_beats(attempt):
    fall_silent(attempt)
    with pytest.raises(Cancelled, match="no word from the control node for 41 s, before the switch"):
        attempt.tick()


def test_a_beat_keeps_it_going(attempt):
    fall_silent(attempt)
    say(attempt, Word("beat"))
    attempt.tick()


@pytest.mark.parametrize("why", [{}, {"why": "the connection was lost while the release was being sent"}])
def test_a_cancel_before_the_switch_ends_it_with_what_is_said_of_it(attempt, why):
    say(attempt, Word("cancel", **why))
    with pytest.raises(Cancelled, match=why.get("why", "cancelled by the operator before the switch")):
        attempt.tick()


def test_after_the_switch_it_goes_on_alone_and_ignores_a_cancel(attempt):
    fall_silent(attempt)
    say(attempt, Word("cancel"))
    attempt.lease.has_switched = True
    attempt.tick()


def test_its_cleaning_up_is_cut_short_by_neither_silence_nor_a_word_and_keeps_the_lease(attempt):
    fall_silent(attempt)
    with pytest.raises(Cancelled):
        attempt.tick()
    attempt.is_ending = True
    say(attempt, Word("cancel"))
    renewed = attempt.store.lease.current().renewed
    attempt.tick()
    assert attempt.store.lease.current().renewed > renewed


def test_while_the_engine_stops_containers_neither_silence_nor_a_takeover_cuts_it_short(attempt):
    for switched in (False, True):
        fall_silent(attempt)
        attempt.lease.has_switched, renewed = switched, attempt.store.lease.current().renewed
        attempt.lease.linger()
        assert attempt.store.lease.current().renewed > renewed, (
            "however long it takes, nobody else gets the lease meanwhile"
        )
    fall_silent(attempt)
    attempt.store.lease.take("two", "rollback", "me@here", over=attempt.store.lease.current())
    attempt.lease.linger()
    attempt.lease.has_switched = False
    with pytest.raises(Cancelled):
        attempt.tick()
