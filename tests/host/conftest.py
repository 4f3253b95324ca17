"""A store and an attempt that the tests of the host program share."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from tests.harness.attempts import begin_attempt


@pytest.fixture
def new_store(tmp_path: Path) -> Store:
    """An application's folder on a host, as ``prepare`` leaves it."""
    store = Store(tmp_path / "root")
    store.prepare()
    return store


@pytest.fixture
def holder(new_store: Store) -> Attempt:
    """An attempt that holds the lease."""
    attempt = begin_attempt(new_store, app="shop")
    attempt.lease.number = new_store.lease.take("one", "deploy", "ann@laptop").number
    return attempt
