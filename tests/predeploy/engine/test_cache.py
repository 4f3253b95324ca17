"""Cached passes: what keeps one valid and what ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from switchyard.control.work_tree import tree as work_tree
from switchyard.predeploy.engine import cache
from switchyard.predeploy.engine.check import never
from switchyard.predeploy.engine.result import FAIL, PASS, UNKNOWN, Finding, Result
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import PredeploySetting
from tests.harness.check_runs import check, passes, run
from tests.harness.library import TOP
from tests.harness.predeploy_case import Case


def test_a_pass_is_kept_until_something_changes(subject, monkeypatch):
    ran: list[str] = []

    def counts(subject: Subject) -> Result:
        ran.append(subject.tree)
        return Result(PASS, findings=(Finding("W", "a warning", severity="warn"),))

    one = check("counts", counts)
    run([one], subject)
    results, shown = run([one], subject)
    assert len(ran) == 1 and results["counts"].cached is not None and shown.begun == []
    assert results["counts"].findings[0].what == "a warning"
    run([one], subject, fresh=True)
    assert len(ran) == 2
    run([one], replace(subject, tree="u" * 40))
    assert len(ran) == 3
    run([one], subject)
    assert len(ran) == 3, "that of the tree before stands as well"
    run([one], replace(subject, tree="u" * 40, setting=PredeploySetting(coverage=90)))
    assert len(ran) == 4
    passed_on = replace(subject, setting=PredeploySetting(passed=["LEVEL"]))
    for value in ("low", "low", "high"):
        monkeypatch.setenv("LEVEL", value)
        run([one], passed_on)
    assert len(ran) == 6


def test_a_changed_check_runs_again(subject, tmp_path):
    source = tmp_path / "check.py"
    source.write_text("one")
    one = replace(check("one", passes), source=source)
    run([one], subject)
    assert run([one], subject)[0]["one"].cached is not None
    source.write_text("two")
    assert run([one], subject)[0]["one"].cached is None


def test_a_pass_of_the_work_tree_is_none_of_an_export_of_the_same_tree(subject):
    one = check("one", passes)
    run([one], replace(subject, clean=False))
    assert run([one], replace(subject, clean=False))[0]["one"].cached is not None
    assert run([one], subject)[0]["one"].cached is None, "beside a work tree stands what git ignores"


def test_a_pass_of_a_work_tree_that_somebody_wrote_to_meanwhile_is_not_kept(subject, repository):
    def of_now() -> Subject:
        moved = {"state": repository / "ignored", "changed": lambda: work_tree(repository) != tree}
        return replace(subject, clean=False, tree=work_tree(repository), **moved)

    def is_edited(subject: Subject) -> Result:
        (repository / "a").write_text("meanwhile")
        return Result(PASS)

    tree = work_tree(repository)
    run([check("one", is_edited)], of_now())
    (repository / "a").write_text("1")
    assert of_now().tree == tree and run([check("one", passes)], of_now())[0]["one"].cached is None
    assert run([check("one", passes)], of_now())[0]["one"].cached is not None


@pytest.mark.parametrize("outcome", [FAIL, UNKNOWN])
def test_nothing_but_a_pass_is_kept_and_a_failure_ends_an_older_pass(subject, outcome):
    one, other = check("one", passes), check("one", lambda subject: Result(outcome))
    run([one], subject)
    run([other], subject, fresh=True)
    assert run([one], subject)[0]["one"].cached is None


def test_what_talks_to_the_outside_is_never_taken_from_what_was_kept(subject):
    one = check("one", passes, lasts=never)
    run([one], subject)
    assert run([one], subject)[0]["one"].cached is None


def test_a_pass_ends_with_its_time(subject):
    one = check("one", passes, lasts=lambda subject: 3600.0)
    run([one], subject)
    (kept,) = (subject.state / "passes" / "one").iterdir()
    value = json.loads(kept.read_text())
    kept.write_text(json.dumps({**value, "at": time.time() - 3601}))
    assert run([one], subject)[0]["one"].cached is None


def test_a_torn_file_of_a_pass_is_no_pass(subject):
    one = check("one", passes)
    run([one], subject)
    (kept,) = (subject.state / "passes" / "one").iterdir()
    kept.write_text(kept.read_text()[:40])
    assert run([one], subject)[0]["one"].cached is None


def test_a_pass_is_kept_also_where_the_application_is_the_checkout(checkout, tmp_path):
    app = checkout.application(tmp_path, Case())
    (app / "tasks.py").write_text((checkout.folder / "tasks.py").read_text())
    command = [
        sys.executable,
        "-m",
        "invoke",
        "predeploy",
        "--only",
        "lint",
        "--json",
        str(tmp_path.parent / "kept.json"),
    ]
    for _ in range(2):
        subprocess.run(command, cwd=app, env={**os.environ, "PYTHONPATH": str(TOP)}, check=True, capture_output=True)
    assert json.loads((tmp_path.parent / "kept.json").read_text())["checks"][0]["cached"]


def test_a_change_of_a_module_beside_the_checks_own_ends_its_pass(subject, tmp_path):
    source, beside = tmp_path / "check.py", tmp_path / "beside.py"
    source.write_text("")
    beside.write_text("one")
    one = replace(check("one", passes), source=source)
    cache.put(one, subject, Result(PASS))
    assert cache.get(one, replace(subject, _once={})) is not None
    beside.write_text("two")
    assert cache.get(one, replace(subject, _once={})) is None


def test_only_the_newest_passes_of_a_check_stay(subject):
    one = check("one", passes)
    for number in range(cache.KEPT + 2):
        cache.put(one, replace(subject, tree=str(number) * 40), Result(PASS))
    assert len(list((subject.state / "passes" / "one").iterdir())) == cache.KEPT
