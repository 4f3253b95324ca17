"""``inv history``: the attempts of each machine."""

from __future__ import annotations

import json
from dataclasses import replace

from switchyard.control import host_answers
from switchyard.core.journal import EndEntry
from switchyard.core.wire.answers import History
from switchyard.verbs.history import describe, history
from tests.harness.answering_host import AnsweringChannel, replace_host
from tests.harness.formats import require
from tests.harness.told_channel import NEW

ENTRY = EndEntry(
    seq=1,
    before="0" * 16,
    attempt="20260102T000000-abcdef",
    release=NEW,
    host="prod",
    wall=1.0,
    boot=1.0,
    step="deploy",
    what="live",
    exit=0,
    who="ann@laptop",
    was=None,
    why="",
)


def test_a_program_reads_every_entry_and_the_machine_is_asked_for_as_many_as_the_flag_says(
    monkeypatch, tmp_path, capsys
):
    channel = AnsweringChannel("one", History((ENTRY,), ("line 3 is torn",)))
    replace_host(monkeypatch, host_answers, channel)
    assert history(tmp_path, "prod", count=7, as_json=True) == 0
    require("history", json.loads(capsys.readouterr().out))
    assert [request.count for request in channel.requests] == [7]


def test_a_person_reads_a_line_an_attempt_and_what_is_wrong_with_the_journal(monkeypatch, tmp_path, capsys):
    replace_host(monkeypatch, host_answers, AnsweringChannel("one", History((ENTRY,), ("line 3 is torn",))))
    assert history(tmp_path, "prod", count=7, as_json=False) == 0
    output = capsys.readouterr().out.splitlines()
    assert output == [f"one: {describe(ENTRY)}", "one: journal: line 3 is torn"]
    assert describe(ENTRY).endswith(f"deploy    live        {NEW}  by ann@laptop")
    assert describe(replace(ENTRY, why="a lock of a dead laptop\nmore")).endswith(
        "by ann@laptop: a lock of a dead laptop"
    )
