"""The checks on the screen."""

from __future__ import annotations

from switchyard.control.screen import Screen
from switchyard.predeploy.engine import report
from switchyard.predeploy.engine.gate import ADVISORY, REQUIRED, CommitVerdicts, Verdict
from switchyard.predeploy.engine.result import FAIL, PASS, UNKNOWN, Finding, Result
from tests.harness.check_runs import check, passes

FINDING = Finding("F401", "`os` is unused", "a.py", 3, do="delete it")


def shown(capsys, *verdicts: Verdict) -> str:
    report.show(verdicts, Screen(as_json=False))
    return capsys.readouterr().out


def test_a_failure_shows_its_findings_with_place_and_remedy_its_output_and_its_log(capsys):
    result = Result(FAIL, "1 file", (FINDING,), output="the last line", log="/tmp/log")
    text = shown(capsys, Verdict("lint", "code", REQUIRED, result))
    for words in ("lint: fail: 1 file", "a.py:3: `os` is unused [F401]", "delete it", "| the last line", "/tmp/log"):
        assert words in text
    assert "NOT fit to deploy" in text


def test_a_pass_shows_no_output_and_the_table_names_gate_and_allowance(capsys):
    text = shown(
        capsys,
        Verdict("lint", "code", ADVISORY, Result(PASS, "1 file", output="noise")),
        Verdict("audit", "code", REQUIRED, Result(UNKNOWN, "no answer"), allowed="pypi is down"),
    )
    assert "noise" not in text and "(advisory)" in text and "(allowed: pypi is down)" in text


def test_a_deploy_shows_one_sentence_if_the_commit_may_ship_and_everything_else(capsys):
    screen = Screen(as_json=False)
    fit = CommitVerdicts("t", (Verdict("lint", "code", REQUIRED, Result(PASS, "1 file")),), 1.0)
    report.show_commit(fit, "prod1", screen)
    assert "fit to deploy; 1 of 1 checks passed" in capsys.readouterr().out
    unfit = CommitVerdicts("t", (Verdict("lint", "code", REQUIRED, Result(FAIL, "1 file", (FINDING,))),), 1.0)
    report.show_commit(unfit, "prod1", screen)
    assert "`os` is unused" in capsys.readouterr().out


def test_the_list_has_what_each_check_proves(capsys):
    report.show_list([check("lint", passes)], Screen(as_json=False))
    assert "lint" in capsys.readouterr().out
