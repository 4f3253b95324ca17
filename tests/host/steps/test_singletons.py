"""The handover: when a start that fails speaks against the release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.site import Site, Slot
from switchyard.host import observe
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.steps import singletons
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import RECORD


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store)
    attempt.lease.number = store.lease.take("one", "deploy", "me@here").number
    return attempt


@pytest.mark.parametrize("refusals,verdict", [(0, "unknown"), (1, "unknown"), (2, "wrong")])
def test_singletons_that_could_not_be_started_once_may_have_met_an_engine_that_was_just_killed(
    attempt, monkeypatch, refusals, verdict
):
    """It may be back before it is asked, and is no word on the release then."""
    attempt.wanted.id = "R1"
    attempt.store.releases.write(replace(RECORD, handover=("worker",)))
    monkeypatch.setattr(observe, "site", lambda *_: Site(green=Slot("R1")))
    monkeypatch.setattr(engine, "ping", lambda: None)
    refusals_left = iter([SwitchyardError("unexpected EOF")] * refusals)
    monkeypatch.setattr(attempt.commands, "run", lambda _: raise_next(refusals_left))
    assert singletons.start(attempt, "green") is (refusals < 2)
    assert attempt.memory.verdict == verdict and ("single green" in attempt.memory.failed) is (refusals == 2)


def raise_next(errors: Iterator[Exception]) -> None:
    for error in errors:
        raise error
