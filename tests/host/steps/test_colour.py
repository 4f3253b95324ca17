"""Steps on a colour: what fails is stopped, and its evidence kept where that can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.steps import colour
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import RECORD


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    attempt = begin_attempt(store)
    attempt.lease.number = store.lease.take("one", "deploy", "me@here").number
    return attempt


def test_what_failed_is_stopped_also_where_its_logs_cannot_be_kept(attempt, monkeypatch):
    attempt.store.releases.write(RECORD)
    attempt.wanted.id = "R1"
    (attempt.store.release("R1") / "failed" / "full.log").mkdir(parents=True)
    stopped, containers = (
        [],
        [Container.decode({"Id": name, "Names": [f"/{name}"]}) for name in ("full", "unread", "kept")],
    )

    def logs(container: str, _: int) -> str:
        if container == "unread":
            raise SwitchyardError("configured logging driver does not support reading")
        return "its last words"

    monkeypatch.setattr(colour, "containers_in", lambda *_: containers)
    monkeypatch.setattr(engine, "logs", logs)
    monkeypatch.setattr(engine, "description", lambda _: {})
    monkeypatch.setattr(colour, "stop", lambda _, colour, each: stopped.extend(c.id for c in each))
    colour.cancel(attempt, "green")
    assert (attempt.store.release("R1") / "failed" / "kept.log").read_text() == "its last words"
    assert stopped == ["full", "unread", "kept"] and attempt.memory.failed == {"front green": "cancelled"}
