"""A journal whose chain was recomputed, cut, or edited is found out: by its key, or by what the control node saw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from switchyard.core import journal
from switchyard.core.journal import StepEntry
from switchyard.core.steps import StepName
from switchyard.core.wire.request import Head
from switchyard.host.adapters.journal_key import JournalKey
from switchyard.host.adapters.store import Store

STEPS: tuple[StepName, ...] = ("receive", "build", "shared", "edge")


def note(store: Store, *steps: StepName) -> None:
    for step in steps:
        store.journal.append(StepEntry(attempt="A1", release=None, host="prod", step=step, colour=None, what="intent"))


def rewrite(store: Store, lines: list[str]) -> None:
    (store.root / "journal.jsonl").write_text("".join(f"{line}\n" for line in lines))


def recomputed(lines: list[str]) -> list[str]:
    """The lines with the chain that anybody can compute."""
    made: list[str] = []
    for line in lines:
        value = {**json.loads(line), "before": journal.digest(made[-1] if made else None), "seq": len(made) + 1}
        made.append(json.dumps(value, separators=(",", ":")))
    return made


def lines_of(store: Store) -> list[str]:
    return (store.root / "journal.jsonl").read_text().splitlines()


@pytest.fixture
def seen(new_store: Store) -> Head | None:
    """What the control node saw of a journal of four lines."""
    note(new_store, *STEPS)
    assert new_store.journal.read()[1] == []
    return new_store.journal.head()


@pytest.mark.parametrize("cut", [slice(1, None), slice(0, 2), slice(0, 0)], ids=["start", "end", "all"])
@pytest.mark.parametrize("recompute", [False, True])
def test_a_journal_that_was_cut_is_found_out(new_store, seen, cut, recompute):
    kept = lines_of(new_store)[cut]
    rewrite(new_store, recomputed(kept) if recompute else kept)
    assert new_store.journal.problems(seen) and new_store.journal.head(seen) is None


@pytest.mark.parametrize("line", range(4))
@pytest.mark.parametrize("recompute", [False, True])
def test_a_journal_that_was_edited_is_found_out(new_store, seen, line, recompute):
    lines = lines_of(new_store)
    lines[line] = lines[line].replace('"A1"', '"A2"')
    rewrite(new_store, recomputed(lines) if recompute else lines)
    assert new_store.journal.problems(seen) and new_store.journal.head(seen) is None
    if recompute or line < 3:
        assert new_store.journal.problems(), "the host alone finds out"


def test_a_line_that_somebody_adds_without_the_key_is_found_out(new_store, seen):
    lines = lines_of(new_store)
    rewrite(new_store, [*lines, recomputed([*lines, lines[-1]])[-1]])
    assert new_store.journal.read()[1] == ["line 5 does not follow line 4"]


def test_a_journal_that_only_went_on_is_whole(new_store, seen):
    note(new_store, "build")
    assert new_store.journal.problems(seen) == () and new_store.journal.head(seen) != seen


def test_the_lines_of_an_older_version_need_no_key(new_store, seen):
    rewrite(new_store, recomputed(lines_of(new_store)))
    path = JournalKey(new_store.root)._apart
    path.unlink()
    note(new_store, "build")
    assert new_store.journal.read()[1] == [] and JournalKey(new_store.root).read().after == 4


def test_the_key_lies_apart_and_only_its_owner_reads_it(new_store, seen):
    path = JournalKey(new_store.root)._apart
    assert not path.is_relative_to(new_store.root) and path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["{", '{"key": "no hex", "after": 0}', '{"key": "", "after": 0}'])
def test_a_damaged_key_is_named_and_stops_nothing(new_store, seen, content):
    path = JournalKey(new_store.root)._apart
    path.write_text(content)
    note(new_store, "build")
    entries, problems = new_store.journal.read()
    assert len(entries) == 5 and str(path) in problems[0]


def test_a_home_that_takes_no_file_leaves_the_key_beside_the_journal(new_store, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    note(new_store, *STEPS)
    assert new_store.journal.read()[1] == [] and Path(new_store.root / "journal.key").exists()


def test_a_repair_makes_a_whole_journal_with_a_key_of_its_own(new_store, seen):
    before = JournalKey(new_store.root).read()
    rewrite(new_store, recomputed(lines_of(new_store)))
    new_store.journal.repair({"attempt": "A2", "release": None, "host": None})
    entries, problems = new_store.journal.read()
    assert problems == [] and len(entries) == 5 and JournalKey(new_store.root).read() != before
