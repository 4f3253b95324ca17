"""One run of a verb on a host: whom it listens to, and when it gives up."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.errors import Refused
from switchyard.core.journal import VERBS
from switchyard.core.lease import BEAT_WITHIN
from switchyard.core.wire.request import Word
from switchyard.host import attempt as module
from switchyard.host import attempt_lease, inbox
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import LED, Attempt
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


class Clock:
    """The clock of a machine, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        for owner in (module, inbox, attempt_lease):
            monkeypatch.setattr(owner, "now", lambda: self.seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def typed(tmp_path: Path, ago: float, verb: str = "rollback") -> Attempt:
    """Return an attempt without the lease, whose verb was typed so many seconds ago."""
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store, verb=verb)
    return Attempt(store, attempt.folder, attempt.request, typed_at=module.now() - ago)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("ago", [0, BEAT_WITHIN, BEAT_WITHIN + 1, 75])
def test_what_stood_still_before_the_lease_does_nothing_unless_the_control_node_leads_it(tmp_path, clock, verb, ago):
    attempt = typed(tmp_path, ago, verb)
    if ago <= BEAT_WITHIN or verb in LED:
        attempt.require_alive()
        return
    with pytest.raises(Refused, match=rf"nothing was done: {verb} was typed {ago:.0f} s ago; run it again"):
        attempt.require_alive()


def test_what_waits_for_the_lease_beats_and_goes_on_however_long_that_takes(tmp_path, clock):
    attempt = typed(tmp_path, 5)
    for _ in range(60):
        say(attempt, Word("beat"))
        attempt.tick()
        clock.seconds += 5
    attempt.require_alive()


def test_what_waits_for_the_lease_gives_up_when_nobody_beats(tmp_path, clock):
    attempt = typed(tmp_path, 5)
    with pytest.raises(Refused, match=r"typed 46 s ago; run it again"):
        for _ in range(60):
            attempt.tick()
            clock.seconds += 1


@pytest.mark.parametrize("stop", [30, 75])
def test_a_program_that_stood_still_while_it_waited_does_nothing_although_beats_piled_up(tmp_path, clock, stop):
    attempt = typed(tmp_path, 0)
    say(attempt, Word("beat"))
    for _ in range(2):
        attempt.tick()
    clock.seconds += stop
    say(attempt, *[Word("beat")] * (stop // 5))
    if stop <= BEAT_WITHIN:
        attempt.tick()
        return
    with pytest.raises(Refused, match="typed 75 s ago"):
        attempt.tick()
