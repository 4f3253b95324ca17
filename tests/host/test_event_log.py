"""The events of an attempt: one line each, and no secret in any text that others wrote."""

from __future__ import annotations

import json
from pathlib import Path

from switchyard.core.wire import events
from switchyard.core.wire.events import End, Progress, StepEnds, Switched
from switchyard.host.adapters.disk import Reserve
from switchyard.host.event_log import EventLog


def log_of(folder: Path) -> EventLog:
    return EventLog(folder / "events.jsonl", Reserve(folder), lambda text: text.replace("secret", "•••"))


def lines_of(folder: Path) -> list[str]:
    return (folder / "events.jsonl").read_text().splitlines()


def test_every_event_is_one_line_that_decodes_to_itself(tmp_path):
    written = [Switched("green", "R2", "blue", 3), End("live", 0, ""), Progress("starting web")]
    for event in written:
        log_of(tmp_path).emit(event)
    assert [events.decode(json.loads(line)) for line in lines_of(tmp_path)] == written
    assert all("at" in json.loads(line) for line in lines_of(tmp_path))


def test_free_text_loses_its_secrets_and_names_stay_whole(tmp_path):
    log = log_of(tmp_path)
    log.emit(StepEnds("secret", None, "done", 1.0, ("run --token secret",)))
    log.progress("waiting for secret", cut=2)
    step, progress = (json.loads(line) for line in lines_of(tmp_path))
    assert (step["step"], step["commands"]) == ("secret", ["run --token •••"])
    assert (progress["text"], progress["cut"]) == ("waiting for •••", 2)
