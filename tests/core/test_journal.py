"""The journal: each line names the one before, and the reader reports every line that does not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard.core import journal
from switchyard.core.journal import EndEntry, Entry, OverriddenEntry, ShownEntry, StepEntry, TakeoverEntry, WayBackEntry

END = EndEntry(
    attempt="A1", release=None, host="prod", step="deploy", what="live", exit=0, who="ann@laptop", was=None, why=""
)
ENTRIES: list[Entry] = [
    END,
    replace(END, step="rollback"),
    TakeoverEntry(attempt="A2", release=None, host=None, what="ü € 中"),
    StepEntry(attempt="A2", release="R1", host=None, step="build", colour=None, what="done", seconds=1.5),
    OverriddenEntry(attempt="A2", release="R1", host=None, why="without lint"),
    WayBackEntry(attempt="A3", release="R1", host="prod", was="R2"),
    ShownEntry(attempt="A3", release="R1", host="prod", why="3 of the last 12 probes failed"),
]


def line(entry: Entry, before: str | None, seq: int = 1) -> str:
    return journal.line(entry, before=before, seq=seq, wall=2.5, boot=1.5)


def written(entries: list[Entry]) -> list[str]:
    lines: list[str] = []
    for number, entry in enumerate(entries, 1):
        lines.append(line(entry, lines[-1] if lines else None, number))
    return lines


def test_what_was_written_is_read_in_order_and_whole() -> None:
    entries, problems = journal.read(text + "\n" for text in written(ENTRIES))
    assert problems == []
    assert [entry.seq for entry in entries] == list(range(1, len(ENTRIES) + 1))
    assert {(entry.wall, entry.boot) for entry in entries} == {(2.5, 1.5)}
    assert [replace(entry, seq=0, before="", wall=0.0, boot=0.0) for entry in entries] == ENTRIES


def test_an_entry_is_one_line_whatever_its_fields_hold() -> None:
    text = line(replace(END, why="two\nlines\r\nand \u2028 one"), None)
    assert len(text.splitlines()) == 1 and json.loads(text)["why"] == "two\nlines\r\nand \u2028 one"


def test_the_first_line_follows_the_start() -> None:
    assert json.loads(line(END, None))["before"] == journal.START == journal.digest(None)


def test_an_empty_journal_has_no_entries_and_no_problems() -> None:
    assert journal.read([]) == ([], [])


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_torn_last_line_is_reported_and_the_others_are_read(cut: int) -> None:
    lines = written(ENTRIES)
    entries, problems = journal.read([*lines[:-1], lines[-1][:cut]])
    last = len(ENTRIES)
    assert [entry.seq for entry in entries] == list(range(1, last)) and problems == [f"line {last} is torn"]


def test_what_is_written_after_a_torn_line_follows_it() -> None:
    lines = written(ENTRIES[:2])
    torn = lines[1][:20]
    entries, problems = journal.read([lines[0], torn, line(END, torn, 3)])
    assert [entry.seq for entry in entries] == [1, 3] and problems == ["line 2 is torn"]


def test_a_changed_line_is_named_by_the_one_after_it() -> None:
    lines = written(ENTRIES)
    lines[1] = lines[1].replace("rollback", "unlock")
    entries, problems = journal.read(lines)
    assert len(entries) == len(ENTRIES) and problems == ["line 3 does not follow line 2"]


def test_a_line_that_is_no_entry_is_reported_with_its_path_and_the_chain_goes_on() -> None:
    lines = written(ENTRIES[:1])
    lines.append(line(ENTRIES[1], lines[0], 2).replace('"rollback"', '"fly"'))
    lines.append(line(END, lines[1], 3))
    entries, problems = journal.read(lines)
    assert [entry.seq for entry in entries] == [1, 3]
    (problem,) = problems
    assert problem.startswith("line 2 is no entry: step: expected") and problem.endswith("got text")


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_line_that_was_taken_out_breaks_the_chain_where_it_stood(gone: int) -> None:
    lines = written(ENTRIES)
    del lines[gone]
    assert journal.read(lines)[1] == [f"line {gone + 1} does not follow line {gone}"]


def test_lines_that_changed_places_break_the_chain_three_times() -> None:
    first, second, third, fourth = written(ENTRIES[:4])
    assert [problem.split()[1] for problem in journal.read([first, third, second, fourth])[1]] == ["2", "3", "4"]


def test_a_line_that_was_changed_breaks_the_chain() -> None:
    lines = written([replace(END, exit=1), replace(END, exit=2)])
    assert journal.read(lines)[1] == []
    assert journal.read([lines[0].replace('"exit":1', '"exit":3'), lines[1]])[1] == ["line 2 does not follow line 1"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_entry_keeps_any_text(text: str) -> None:
    (entry,), problems = journal.read([line(replace(END, why=text), None)])
    assert isinstance(entry, EndEntry) and (entry.why, problems) == (text, [])
