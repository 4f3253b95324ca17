"""The checks of a build: side by side, and none outlives its attempt."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.request import Word
from switchyard.host.adapters import process
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from switchyard.host.steps.build import run_checks
from tests.harness.attempts import begin_attempt, say


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store)
    attempt.lease.number = store.lease.take("one", "deploy", "me@here").number
    return attempt


def test_what_checks_a_build_ends_with_the_attempt(attempt):
    say(attempt, Word("cancel"))
    began = time.monotonic()
    with pytest.raises(Cancelled):
        run_checks([partial(process.run, ["sleep", "60"])] * 40, attempt.tick)
    assert time.monotonic() - began < 30


def cancel() -> None:
    raise Cancelled("enough")


def test_commands_side_by_side_end_with_their_attempt():
    began = time.monotonic()
    with pytest.raises(Cancelled):
        run_checks([partial(process.run, ["sleep", "60"])] * 2, cancel)
    assert time.monotonic() - began < 10


def test_the_first_check_that_fails_fails_the_build():
    with pytest.raises(SwitchyardError, match="ended with 3"):
        run_checks([partial(process.run, ["true"]), partial(process.run, ["sh", "-c", "exit 3"])], lambda: None)
