"""Steps on a colour: what fails is stopped, and its evidence kept where that can be."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.lease import BEAT_WITHIN
from switchyard.core.wire.request import Word
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.lease import Superseded
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from switchyard.host.steps import colour, containers
from tests.harness.attempts import begin_attempt, say
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
    stopped, failed = (
        [],
        [Container.decode({"Id": name, "Names": [f"/{name}"]}) for name in ("full", "unread", "kept")],
    )

    def logs(container: str, _: int) -> str:
        if container == "unread":
            raise SwitchyardError("configured logging driver does not support reading")
        return "its last words"

    monkeypatch.setattr(colour, "containers_in", lambda *_: failed)
    monkeypatch.setattr(engine, "logs", logs)
    monkeypatch.setattr(engine, "description", lambda _: {})
    monkeypatch.setattr(colour, "stop", lambda _, colour, each, **__: stopped.extend(c.id for c in each))
    colour.cancel(attempt, "green")
    assert (attempt.store.release("R1") / "failed" / "kept.log").read_text() == "its last words"
    assert stopped == ["full", "unread", "kept"] and attempt.memory.failed == {"front green": "cancelled"}


@pytest.fixture
def endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that needs a minute to stop."""
    (tmp_path / "docker").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    container = Container.decode({"Id": "one", "Names": ["/one"], "State": "running"})
    for module in (colour, containers):
        monkeypatch.setattr(module, "containers_in", lambda *_: [container])
    monkeypatch.setattr(engine, "set_restart_policy", lambda *_: None)


def cancel(attempt: Attempt) -> None:
    say(attempt, Word("cancel"))


def fall_silent(attempt: Attempt) -> None:
    attempt.inbox.heard_at -= BEAT_WITHIN + 1


def be_superseded(attempt: Attempt) -> None:
    attempt.store.lease.take("two", "unlock", "bob@desk", over=attempt.store.lease.current())


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("step", [colour.retire, colour.end_standby])
@pytest.mark.parametrize(
    "how,error",
    [(cancel, Cancelled), (fall_silent, Cancelled), (be_superseded, Superseded)],
    ids=lambda it: it.__name__,
)
def test_who_stops_a_colour_that_is_not_live_gives_up_within_two_seconds(attempt, step, how, error):
    how(attempt)
    began = time.monotonic()
    with pytest.raises(error):
        step(attempt, "green")
    assert time.monotonic() - began < 2


def test_only_what_was_cut_short_counts_as_lost(attempt, monkeypatch):
    counts = [5, 8]
    monkeypatch.setattr(colour, "containers_in", lambda *_: [])
    monkeypatch.setattr(attempt.proxy, "connections", lambda _: 40)
    monkeypatch.setattr(attempt.proxy, "aborted", lambda _: counts.pop(0))
    colour.end_standby(attempt, "green")
    event = json.loads((attempt.folder / "events.jsonl").read_text())
    assert event["cut"] == 3 and counts == []
