"""The journal of a host: an unbroken chain, which goes on after a torn line and reports it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from switchyard.core.journal import START, StepEntry, digest
from switchyard.core.steps import StepName
from switchyard.host.adapters.journal_key import JournalKey
from switchyard.host.adapters.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "root")
    made.prepare()
    return made


def note(store: Store, *steps: StepName) -> None:
    for step in steps:
        store.journal.append(StepEntry(attempt="A1", release=None, host="prod", step=step, colour=None, what="intent"))


def test_the_journal_is_an_unbroken_chain(store):
    note(store, "receive", "build", "shared")
    lines = (store.root / "journal.jsonl").read_text().splitlines()
    values = [json.loads(line) for line in lines]
    assert [value["seq"] for value in values] == [1, 2, 3]
    key = JournalKey(store.root).read().secret
    assert [value["before"] for value in values] == [START, digest(lines[0], key), digest(lines[1], key)]
    entries, problems = store.journal.read()
    assert [entry.encode() for entry in entries] == values and problems == []
    assert stat.S_IMODE((store.root / "journal.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("torn", [b'{"v":1,"seq":3,"st', b'{"v":1,"who":"\xc3', b"\xff\x00", b'{"torn'])
def test_the_journal_goes_on_after_a_torn_line_and_reports_it(store, torn):
    note(store, "receive", "build")
    assert [entry.step for entry in store.journal.read()[0]] == ["receive", "build"]
    assert store.journal.read()[1] == []
    with open(store.root / "journal.jsonl", "ab") as file:
        file.write(torn)
    assert store.journal.read()[1] == ["line 3 is torn"]
    note(store, "shared", "edge")
    entries, problems = store.journal.read()
    assert [entry.step for entry in entries] == ["receive", "build", "shared", "edge"]
    assert problems == ["line 3 is torn"]


def test_a_line_that_lost_only_its_end_of_line_is_still_part_of_the_chain(store):
    note(store, "receive")
    path = store.root / "journal.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    note(store, "build")
    entries, problems = store.journal.read()
    assert [entry.step for entry in entries] == ["receive", "build"] and problems == []


@pytest.mark.parametrize("line", [1, 2])
def test_a_line_that_is_gone_or_changed_is_reported(store, line):
    note(store, "receive", "build", "shared")
    path = store.root / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: line - 1] + lines[line:]))
    assert store.journal.read()[1] == [f"line {line} does not follow line {line - 1}"]
    changed = [text.replace('"host":"', '"host":"x') if at == line else text for at, text in enumerate(lines, 1)]
    path.write_text("".join(changed))
    assert store.journal.read()[1] == [f"line {line + 1} does not follow line {line}"]
