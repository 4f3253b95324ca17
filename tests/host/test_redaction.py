"""Events and logs of an attempt: the values of the env are gone, the names that programs compare stay."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.redact import GONE
from switchyard.host.adapters.files import write_json
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.steps import edge as edge_steps
from tests.harness.release_record import RECORD

CANARY = "canary-3f9a1c77d2"


@pytest.fixture
def attempt(tmp_path):
    store = Store(tmp_path / "root")
    store.prepare()
    folder = store.attempts / "one"
    folder.mkdir()
    release = "20261124T101010Z-fec79b6"
    (tmp_path / "token").write_text("canary-in-a-file\n")
    write_json(store.release(release) / "values.json", [CANARY, "fec79b6", "switch"])
    write_json(store.release(release) / "blue.json", {"secrets": {"token": {"file": str(tmp_path / "token")}}})
    store.releases.write(replace(RECORD, id=release, commit="fec79b6" + "0" * 33))
    made = Attempt(store, folder, {"verb": "deploy", "app": "shop"})
    made.release = release
    return made


def test_an_event_keeps_the_names_that_are_compared_and_loses_the_secrets(attempt):
    attempt.emit("end", release=attempt.release, outcome="switch", reason=f"{attempt.release}: {CANARY}")
    (event,) = map(json.loads, (attempt.folder / "events.jsonl").read_text().splitlines())
    assert (event["release"], event["outcome"]) == (attempt.release, "switch")
    assert event["reason"] == f"{attempt.release}: {GONE}"


def test_what_a_command_prints_is_logged_without_the_env_and_the_file_secrets(attempt):
    attempt.run(["echo", CANARY, "and", "canary-in-a-file"])
    path = attempt.store.release(attempt.release) / "log"
    assert "canary" not in path.read_text() and "and" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_free_loopback_port_is_named():
    with pytest.raises(SwitchyardError, match="no free loopback port between 20000 and 32700"):
        edge_steps._free_port(set(range(20000, 32700)))
