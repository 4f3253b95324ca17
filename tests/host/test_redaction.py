"""Events and logs of an attempt: the values of the env are gone, the names that programs compare stay."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from switchyard.core.redact import GONE
from switchyard.core.wire.events import End
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import RECORD

CANARY = "canary-3f9a1c77d2"


@pytest.fixture
def attempt(tmp_path):
    store = Store(tmp_path / "root")
    store.prepare()
    release = "20261124T101010Z-fec79b6"
    (tmp_path / "token").write_text("canary-in-a-file\n")
    write_json(store.release(release) / "values.json", [CANARY, "fec79b6", "switch"])
    write_json(store.release(release) / "blue.json", {"secrets": {"token": {"file": str(tmp_path / "token")}}})
    store.releases.write(replace(RECORD, id=release, commit="fec79b6" + "0" * 33))
    attempt = begin_attempt(store, app="shop")
    attempt.wanted.id = release
    return attempt


def test_an_event_keeps_the_names_that_are_compared_and_loses_the_secrets(attempt):
    release = attempt.wanted.id
    attempt.events.emit(End("switch", 1, f"{release}: {CANARY}", release=release))
    (event,) = map(json.loads, (attempt.folder / "events.jsonl").read_text().splitlines())
    assert (event["release"], event["outcome"]) == (release, "switch")
    assert event["reason"] == f"{release}: {GONE}"


def test_what_a_command_prints_is_logged_without_the_env_and_the_file_secrets(attempt):
    attempt.commands.run(["echo", CANARY, "and", "canary-in-a-file"])
    path = attempt.store.release(attempt.wanted.id) / "log"
    assert "canary" not in path.read_text() and "and" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
