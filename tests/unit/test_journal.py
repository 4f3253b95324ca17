"""The record: each line names the one before, and whatever does not is told, never dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchyard.core import journal

STEPS: list[dict[str, Any]] = [{"step": "deploy", "what": "live"}, {"step": "rollback"}, {"why": "ü € 中"}, {"exit": 0}]


def written(entries: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for number, fields in enumerate(entries, 1):
        lines.append(journal.line(lines[-1] if lines else None, number, fields))
    return lines


def test_what_was_written_is_read_in_order_and_whole() -> None:
    entries, problems = journal.read(text + "\n" for text in written(STEPS))
    assert problems == []
    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4] and {entry["v"] for entry in entries} == {1}
    assert [{key: entry[key] for key in fields} for entry, fields in zip(entries, STEPS, strict=True)] == STEPS


def test_an_entry_is_one_line_whatever_its_fields_hold() -> None:
    text = journal.line(None, 1, {"why": "two\nlines\r\nand \u2028 one"})
    assert len(text.splitlines()) == 1 and json.loads(text)["why"] == "two\nlines\r\nand \u2028 one"


def test_the_first_line_follows_the_start() -> None:
    assert json.loads(journal.line(None, 1, {}))["before"] == journal.START == journal.digest(None)


def test_an_empty_journal_has_no_entries_and_no_problems() -> None:
    assert journal.read([]) == ([], [])


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_torn_last_line_is_told_and_the_others_are_read(cut: int) -> None:
    lines = written(STEPS)
    entries, problems = journal.read([*lines[:-1], lines[-1][:cut]])
    assert [entry["seq"] for entry in entries] == [1, 2, 3] and problems == ["line 4 is torn"]


def test_what_is_written_after_a_torn_line_follows_it() -> None:
    lines = written(STEPS[:2])
    torn = lines[1][:20]
    entries, problems = journal.read([lines[0], torn, journal.line(torn, 3, {"step": "next"})])
    assert [entry["seq"] for entry in entries] == [1, 3] and problems == ["line 2 is torn"]


def test_a_changed_line_is_named_by_the_one_after_it() -> None:
    lines = written(STEPS)
    lines[1] = lines[1].replace("rollback", "unlock")
    entries, problems = journal.read(lines)
    assert len(entries) == 4 and problems == ["line 3 does not follow line 2"]


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_line_that_was_taken_out_breaks_the_chain_where_it_stood(gone: int) -> None:
    lines = written(STEPS)
    del lines[gone]
    assert journal.read(lines)[1] == [f"line {gone + 1} does not follow line {gone}"]


def test_lines_that_changed_places_break_the_chain_three_times() -> None:
    first, second, third, fourth = written(STEPS)
    assert [problem.split()[1] for problem in journal.read([first, third, second, fourth])[1]] == ["2", "3", "4"]
