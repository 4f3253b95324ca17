"""Two workers at once are an overlap; workers that take turns are not."""

from __future__ import annotations

import pytest

from tests.harness.heartbeats import Heartbeat, longest_gap, overlaps


def beats(container: str, first: float, last: float) -> list[Heartbeat]:
    return [Heartbeat(container, tenth / 10) for tenth in range(int(first * 10), int(last * 10) + 1)]


def test_two_workers_at_once_are_an_overlap_of_their_common_time() -> None:
    assert overlaps(beats("old", 0, 5) + beats("new", 4.5, 9)) == ["workers old and new at once, for 0.50 s"]


def test_workers_that_take_turns_and_come_back_are_no_overlap() -> None:
    turns = beats("old", 0, 5) + beats("new", 5.4, 6) + beats("old", 7, 9)
    assert overlaps(turns) == []
    assert longest_gap(turns) == pytest.approx(1.0)


def test_a_worker_that_runs_within_anothers_time_is_an_overlap() -> None:
    assert overlaps(beats("old", 0, 5) + beats("new", 2, 3)) == ["workers old and new at once, for 1.00 s"]
