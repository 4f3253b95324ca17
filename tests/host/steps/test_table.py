"""The acts of the host program: one for each step, journaled before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.steps import STEPS, TOUCHES_LIVE, Step
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.steps.table import ACTS, act
from tests.harness.attempts import begin_attempt


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store)
    attempt.lease.number = store.lease.take("one", "deploy", "me@here").number
    return attempt


def test_every_step_has_an_act() -> None:
    assert set(ACTS) == set(STEPS)


def test_a_release_that_vanishes_midway_is_named_with_the_way_on(attempt) -> None:
    attempt.wanted.id = "R1"
    with pytest.raises(SwitchyardError, match=r"release R1 is gone from this host.*R1/release\.json.*again"):
        act(attempt, Step("receive"))


@pytest.mark.parametrize("verb", ["deploy", "rollback", "scale", "restart", "shared.apply", "edge.apply"])
@pytest.mark.parametrize("step", STEPS)
def test_from_a_step_on_that_touches_what_is_live_the_lease_says_so_but_a_switch_tells_its_moment_itself(
    new_store, monkeypatch, verb, step
):
    attempt = begin_attempt(new_store, verb=verb)
    attempt.lease.number = new_store.lease.take("one", verb, "me@here").number
    during: list[bool] = []
    monkeypatch.setitem(ACTS, step, lambda attempt, colour: during.append(new_store.lease.current().switched))
    act(attempt, Step(step))
    assert during == [step in TOUCHES_LIVE and verb not in ("deploy", "rollback")]


@pytest.mark.parametrize("answer,outcome", [(None, "done"), (True, "done"), (False, "failed")])
def test_a_step_that_found_the_release_wanting_is_told_and_written_down_as_failed(
    attempt, monkeypatch, answer, outcome
):
    monkeypatch.setitem(ACTS, "prove", lambda attempt, colour: answer)
    act(attempt, Step("prove", "green"))
    lines = (attempt.folder / "events.jsonl").read_text().splitlines()
    assert [event["state"] for event in map(json.loads, lines)] == ["begins", outcome]
    assert [entry.what for entry in attempt.store.journal.read()[0]] == ["intent", outcome]
