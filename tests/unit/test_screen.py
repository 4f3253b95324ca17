"""What a person reads, and a program: a line a step, usual times, one object, nothing that was not measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchyard.control.receipt import is_live, most_telling
from switchyard.control.screen import Screen, ago, probes
from switchyard.core.errors import ended
from switchyard.verbs.rollback import last_host, remember_host


def step(name: str, state: str, **fields: Any) -> dict[str, Any]:
    return {"event": "step", "step": name, "colour": "green", "state": state, **fields}


def test_a_step_is_a_line_with_its_seconds_and_a_failure_says_so(capsys):
    screen = Screen(as_json=False)
    screen.event("prod1", step("up", "begins"))
    screen.event("prod1", step("up", "done", seconds=0.5, commands=["docker compose up"]))
    screen.event("prod1", step("prove", "failed", seconds=5.25, commands=[]))
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["prod1:", "starting", "green", "0.50", "s"]
    assert second.split() == ["prod1:", "proving", "healthy", "green", "5.25", "s", "FAILED"]
    assert [one["outcome"] for one in screen.steps["prod1"]] == ["done", "failed"]


def test_on_a_terminal_a_slow_step_begins_with_its_usual_time(capsys):
    screen = Screen(as_json=False)
    screen.console._force_terminal = True
    screen.event("prod1", {"event": "hello", "usual": {"build": 14.2, "up": 0.4}})
    screen.event("prod1", step("build", "begins"))
    screen.event("prod1", step("up", "begins"))
    said = capsys.readouterr().out
    assert "building images green … (usually 14 s)" in said and said.count("usually") == 1


def test_with_json_nothing_but_one_object_is_on_standard_output(capsys):
    screen = Screen(as_json=True)
    screen.say("for a person")
    screen.event("prod1", step("up", "done", seconds=0.5, commands=[]))
    screen.finish({"v": 1})
    assert json.loads(capsys.readouterr().out) == {"v": 1}


def test_what_was_not_measured_reads_so_and_never_as_zero():
    assert probes({"sent": None, "failed": None}) == "not measured"
    assert probes({"sent": 118, "failed": 0}) == "118 sent, 0 failed"
    assert ago(None) == "?"


def test_what_is_live_after_an_attempt_is_not_known_unless_it_was_looked_at():
    assert is_live({"live": {"id": "R1", "state": "good"}, "looked": True}) == "live is R1 (good)"
    assert is_live({"live": None, "looked": True}) == "nothing is live"
    assert is_live({"live": None, "looked": False}) == "what is live was not seen; look with inv status"


def test_of_several_machines_the_one_that_failed_speaks_for_all():
    ends = [{"exit": code} for code in (0, 130, 6, 5)]
    assert [most_telling(ends[:count])["exit"] for count in (1, 2, 3, 4)] == [0, 130, 6, 5]


def test_connections_that_did_not_finish_where_they_began_stand_in_the_receipt(capsys):
    screen = Screen(as_json=False)
    screen.event("prod1", {"event": "progress", "text": "retired R1 from blue; open connections cut: 3", "cut": 3})
    screen.event("prod1", {"event": "switched", "colour": "blue", "release": "R1", "was": "green", "left": 2})
    screen.event("prod2", {"event": "progress", "text": "retired R1 from blue", "cut": 0})
    capsys.readouterr()
    screen.told("prod1")
    screen.told("prod2")
    assert capsys.readouterr().out.splitlines() == [
        "prod1: 3 open connections of the colour that stopped were cut",
        "prod1: 2 connections stayed open on what was left: uploads there are lost",
    ]


@pytest.mark.parametrize("code,outcome", [(1, "failed"), (2, "bad input"), (3, "not checked"), (4, "refused")])
def test_an_end_before_the_answer_is_named_by_its_exit_code(code, outcome):
    assert ended(code, "why")["outcome"] == outcome


HOSTS = "hosts:\n" + "".join(
    f"  {name}:\n    machines: [{{name: {name}1, address: 192.0.2.1}}]\n" for name in ("prod", "stage")
)


def test_a_rollback_without_a_host_takes_that_of_the_only_deploy_and_lists_the_candidates_else(tmp_path):
    (tmp_path / "invoke.yaml").write_text(HOSTS)
    with pytest.raises(Exception, match=r"name a host with --host; candidates: prod, stage"):
        last_host(tmp_path)
    remember_host(tmp_path, "prod")
    assert last_host(tmp_path) == "prod"
    remember_host(tmp_path, "gone")
    assert last_host(tmp_path) == "prod", "a host that is no longer in the settings is no candidate"
    remember_host(tmp_path, "stage")
    with pytest.raises(Exception, match=r"candidates: prod, stage"):
        last_host(tmp_path)
