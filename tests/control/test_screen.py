"""The screen: a line a step, usual times, one object with ``--json``, and nothing that was not measured."""

from __future__ import annotations

import json

from switchyard.control.screen import Screen, ago, describe_probes
from switchyard.core.wire.events import Hello, Hold, LetThrough, Progress, StepBegins, StepEnds, Switched
from switchyard.core.wire.receipt import Probes, Receipt
from tests.harness.machine_answers import FACTS


def test_a_step_is_a_line_with_its_seconds_and_a_failure_says_so(capsys):
    screen = Screen(as_json=False)
    screen.event("prod1", StepBegins("up", "green"))
    screen.event("prod1", StepEnds("up", "green", "done", 0.5, ("docker compose up",)))
    screen.event("prod1", StepEnds("prove", "green", "failed", 5.25, ()))
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["prod1:", "starting", "green", "0.50", "s"]
    assert second.split() == ["prod1:", "proving", "healthy", "green", "5.25", "s", "FAILED"]
    assert [step.outcome for step in screen.steps["prod1"]] == ["done", "failed"]


def test_on_a_terminal_a_slow_step_begins_with_its_usual_time(capsys):
    screen = Screen(as_json=False)
    screen.console._force_terminal = True
    screen.event("prod1", Hello(FACTS, {"build": 14.2, "up": 0.4}))
    screen.event("prod1", StepBegins("build", "green"))
    screen.event("prod1", StepBegins("up", "green"))
    output = capsys.readouterr().out
    assert "building images green … (usually 14 s)" in output and output.count("usually") == 1


def test_with_json_nothing_but_one_object_is_on_standard_output(capsys):
    screen = Screen(as_json=True)
    screen.say("for a person")
    screen.event("prod1", StepEnds("up", "green", "done", 0.5, ()))
    screen.finish(Receipt("live", None, 0))
    assert json.loads(capsys.readouterr().out) == {"v": 1, "outcome": "live", "release": None, "exit": 0, "hosts": []}


def test_what_was_not_measured_reads_so_and_never_as_zero():
    assert describe_probes(Probes()) == "not measured"
    assert describe_probes(Probes(118, 0)) == "118 sent, 0 failed"
    assert ago(None) == "?"


def test_connections_that_did_not_finish_where_they_began_stand_in_the_receipt(capsys):
    screen = Screen(as_json=False)
    screen.event("prod1", Progress("retired R1 from blue; open connections cut: 3", cut=3))
    screen.event("prod1", Switched("blue", "R1", "green", 2))
    screen.event("prod2", Progress("retired R1 from blue", cut=0))
    capsys.readouterr()
    screen.open_connections("prod1")
    screen.open_connections("prod2")
    assert capsys.readouterr().out.splitlines() == [
        "prod1: 3 open connections of the colour that stopped were cut: uploads on them are lost",
        "prod1: 2 connections stay open on the old colour and may finish there",
    ]


def test_a_hold_is_told_with_its_longest_wait_and_kept_for_the_receipt(capsys):
    screen = Screen(as_json=False)
    for hold in (Hold(2.34, 2.1, 0), Hold(None, 30.0, 4)):
        screen.event("prod1", LetThrough(hold))
    printed = capsys.readouterr().out
    assert "requests to exclusive services were held for 2.3 s, the longest waited 2.1 s\n" in printed
    assert "were held, the longest waited 30.0 s; 4 waited in vain and got 503\n" in printed
    assert screen.holds == {"prod1": [Hold(2.34, 2.1, 0), Hold(None, 30.0, 4)]}
