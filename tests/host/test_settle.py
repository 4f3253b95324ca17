"""The verb that brought a release live, typed again: what was judged is repaired, what was not goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.errors import FAILED, OK, UNVERIFIED
from switchyard.core.next_step import Want
from switchyard.host import settle as module
from switchyard.host.memory import Memory
from switchyard.host.settle import ending_of_repair, settle
from tests.harness.release_record import RECORD

ILL = {"front blue": "web: exited", "shared": "db: no answer"}


@pytest.mark.parametrize(
    "outcome,state,restored,verdict,expected",
    [
        ("live", "good", (), "ok", ("unchanged", OK)),
        ("live", "good", (), "unverified", ("unchanged", OK)),
        ("live", "good", ("web",), "ok", ("repaired", OK)),
        ("live", "unverified", ("web",), "ok", ("repaired", OK)),
        ("live", "unverified", (), "unverified", ("unverified", UNVERIFIED)),
        ("live", "unverified", ("web",), "unverified", ("unverified", UNVERIFIED)),
        ("held", "good", (), "unknown", ("failed", FAILED)),
        ("held", "good", ("web",), "unknown", ("held", UNVERIFIED)),
        ("held", "unverified", ("web",), "wrong", ("held", UNVERIFIED)),
    ],
)
def test_a_repair_says_nothing_changed_only_where_it_started_nothing(outcome, state, restored, verdict, expected):
    memory = Memory(restored=set(restored), verdict=verdict, reason="the look failed")
    ending = ending_of_repair(outcome, replace(RECORD, state=state), memory)
    assert (ending.outcome, ending.exit) == expected
    assert all(name in ending.reason for name in restored) or ending.outcome == "unverified"


def test_all_that_is_ill_is_named():
    ending = ending_of_repair("held", RECORD, Memory(failed=dict(ILL), reason="db: no answer"))
    assert "R1 is live already, and not whole: web: exited; db: no answer" in ending.reason
    assert "the look failed" in ending_of_repair("held", RECORD, Memory(reason="the look failed")).reason


@pytest.mark.parametrize("state", ["good", "unverified", "live", "prepared", "bad"])
def test_only_a_release_that_was_judged_is_repaired(holder, monkeypatch, state):
    goals: list[Want] = []
    monkeypatch.setattr(module, "drive", lambda _, want: goals.append(want) or "live")
    ending = settle(holder, replace(RECORD, state=state))
    is_judged = state in ("good", "unverified")
    assert (ending is not None, goals) == ((True, [Want("repair", "R1")]) if is_judged else (False, []))
    assert holder.wanted.id == "R1" and holder.lease.has_switched is not is_judged
