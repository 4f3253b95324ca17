"""The acts of the host program: one for each step, journaled before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from switchyard.core.steps import STEPS, Step
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


def test_every_step_has_an_act_except_receive_which_the_verbs_do_themselves() -> None:
    assert {*ACTS, "receive"} == set(STEPS)


@pytest.mark.parametrize("answer,outcome", [(None, "done"), (True, "done"), (False, "failed")])
def test_a_step_that_found_the_release_wanting_is_told_and_written_down_as_failed(
    attempt, monkeypatch, answer, outcome
):
    monkeypatch.setitem(ACTS, "prove", lambda attempt, colour: answer)
    act(attempt, Step("prove", "green"))
    lines = (attempt.folder / "events.jsonl").read_text().splitlines()
    assert [event["state"] for event in map(json.loads, lines)] == ["begins", outcome]
    assert [entry.what for entry in attempt.store.journal.read()[0]] == ["intent", outcome]
