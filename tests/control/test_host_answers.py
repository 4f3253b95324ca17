"""One question to every machine of a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.control import host_answers
from switchyard.control.host_answers import ask_host
from switchyard.control.journal_heads import LACKS
from switchyard.control.screen import Screen
from switchyard.core.errors import DRIFT, NOT_CHECKED, OK, NotChecked
from switchyard.core.wire.answers import Env
from switchyard.core.wire.receipt import Unanswered
from tests.harness.answering_host import AnsweringChannel, replace_host

AWAY = NotChecked("two: no SSH connection")


def ask_env(channel):
    return channel.ask(channel.request("env"), Env)


@pytest.mark.parametrize("in_turn", [False, True])
def test_a_machine_that_does_not_answer_keeps_no_answer_of_another(monkeypatch, in_turn):
    channels = [AnsweringChannel("one", Env("A=1")), AnsweringChannel("two", AWAY)]
    replace_host(monkeypatch, host_answers, *channels)
    machines = ask_host(Path(), "prod", ask_env, in_turn=in_turn)
    assert machines.answers == {"one": Env("A=1")} and machines.exit == NOT_CHECKED
    assert machines.unanswered == (Unanswered("two", "two: no SSH connection"),)
    assert [channel.acts for channel in channels] == [["close"], ["close"]]


def test_the_first_error_is_raised_where_no_machine_answers(monkeypatch):
    replace_host(monkeypatch, host_answers, AnsweringChannel("two", AWAY))
    with pytest.raises(NotChecked, match="two: no SSH connection"):
        ask_host(Path(), "prod", ask_env)


def test_a_host_whose_machines_all_answer_is_ok(monkeypatch):
    replace_host(monkeypatch, host_answers, AnsweringChannel("one", Env("")))
    assert ask_host(Path(), "prod", ask_env).exit == OK


@pytest.mark.parametrize("journal,code", [("this checkout sees the journal for the first time", OK), (LACKS, DRIFT)])
def test_what_nobody_can_tell_of_a_journal_is_said_and_one_that_was_cut_is_drift(monkeypatch, capsys, journal, code):
    channel = AnsweringChannel("one", Env(""))
    channel.journal = journal
    replace_host(monkeypatch, host_answers, channel)
    machines = ask_host(Path(), "prod", ask_env)
    assert machines.exit == code
    machines.show_errors(Screen(as_json=False))
    assert f"one: journal: {journal}" in " ".join(capsys.readouterr().out.split())
