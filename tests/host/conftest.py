"""A store, an attempt and an engine that the tests of the host program share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from tests.harness.attempts import begin_attempt
from tests.harness.fake_engine import FakeEngine, serving


@pytest.fixture
def new_store(tmp_path: Path) -> Store:
    """An application's folder on a host, as ``prepare`` leaves it."""
    store = Store(tmp_path / "root")
    store.prepare()
    return store


@pytest.fixture
def store(new_store: Store) -> Store:
    """The same folder, for tests without an attempt."""
    return new_store


@pytest.fixture
def holder(new_store: Store) -> Attempt:
    """An attempt that holds the lease."""
    attempt = begin_attempt(new_store, app="shop")
    attempt.lease.number = new_store.lease.take("one", "deploy", "ann@laptop").number
    return attempt


@pytest.fixture
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    with serving(FakeEngine(), monkeypatch) as fake:
        yield fake
