"""A lease ends by a restart, by its program's death or by silence, measured by the host's clock alone."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from switchyard.core.lease import BEAT_WITHIN, LASTS, RENEW_EVERY, Lease, ended

HELD = Lease(7, "a-7", "deploy", "ann@laptop", since=1.7e9, renewed=1000.0, boot="b1", pid=42, started="99")


@pytest.mark.parametrize("later", [0.0, RENEW_EVERY, LASTS - 0.001, LASTS])
def test_it_holds_until_its_time_is_over(later: float) -> None:
    assert ended(HELD, boot="b1", now=1000.0 + later, alive=True) is None


@pytest.mark.parametrize(
    ("boot", "later", "alive", "why"),
    [
        ("b2", 0.0, True, "the host has been restarted since"),
        ("b1", 0.0, False, "its program is gone"),
        ("b1", LASTS + 1, True, "it was last renewed 61 s ago"),
        ("b2", LASTS + 1, False, "the host has been restarted since"),
        ("b1", LASTS + 1, False, "its program is gone"),
        ("b1", LASTS + 1, None, "it was last renewed 61 s ago"),
        ("b2/99", 0.0, None, "the host has been restarted since"),
    ],
)
def test_it_ends_for_a_reason_that_is_told(boot: str, later: float, alive: bool | None, why: str) -> None:
    assert ended(HELD, boot=boot, now=1000.0 + later, alive=alive) == why


def test_after_a_restart_the_younger_clock_does_not_keep_it() -> None:
    assert ended(HELD, boot="b2", now=5.0, alive=True) == "the host has been restarted since"


def test_a_program_that_cannot_be_seen_holds_it_until_its_time_is_over() -> None:
    for boot in ("b1", "b1/17", "b1/?"):  # process 1 of another PID namespace, and one that is hidden
        assert ended(HELD, boot=boot, now=1000.0 + LASTS, alive=None) is None


def test_people_s_time_and_the_switch_play_no_part() -> None:
    for lease in (replace(HELD, since=0.0), replace(HELD, since=4e9), replace(HELD, switched=True)):
        assert ended(lease, boot="b1", now=1001.0, alive=True) is None


def test_renewing_starts_the_time_again() -> None:
    now = 1000.0 + LASTS + 1
    assert ended(HELD, boot="b1", now=now, alive=True) is not None
    assert ended(replace(HELD, renewed=now), boot="b1", now=now + LASTS, alive=True) is None


def test_a_renewal_may_be_missed_more_than_once() -> None:
    assert LASTS > BEAT_WITHIN > 2 * RENEW_EVERY


@pytest.mark.parametrize("lease", [HELD, replace(HELD, switched=True)])
def test_it_survives_the_way_to_a_file_and_back(lease: Lease) -> None:
    assert Lease.decode(json.loads(json.dumps(lease.encode()))) == lease


def test_a_lease_ends_by_restart_death_or_silence_only():
    lease = Lease(1, "a", "deploy", "x", 0.0, 100.0, "boot", os.getpid(), "1")
    assert ended(lease, boot="boot", now=100.0 + LASTS, alive=True) is None
    assert "restarted" in str(ended(lease, boot="other", now=100.0, alive=True))
    assert "gone" in str(ended(lease, boot="boot", now=100.0, alive=False))
    assert "renewed" in str(ended(lease, boot="boot", now=101.0 + LASTS, alive=True))
