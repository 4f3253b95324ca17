"""Results judged by their gate, compared with the live release's."""

from __future__ import annotations

import importlib.metadata
from dataclasses import replace
from pathlib import Path

from switchyard.control.commit import pick_commit
from switchyard.control.screen import Screen
from switchyard.core.wire.checks import CheckRecord
from switchyard.predeploy.all import CHECKS
from switchyard.predeploy.engine import gate, validation
from switchyard.predeploy.engine.options import CheckOptions
from switchyard.predeploy.engine.result import FAIL, PASS, Finding, Result
from switchyard.settings.predeploy import PredeploySetting
from tests.harness.check_runs import check, of_two_machines, passes
from tests.harness.machine_answers import COMMIT, checks_answer, host_machine
from tests.harness.predeploy_case import HALF_COVERED, Case, Checkout, subject_of

LINT = Case(files={"tests/unit/test_more.py": "import os\n"})


def beside_live(checkout: Checkout, app: Path, name: str, tools: dict[str, str], commit: str = "") -> gate.Verdict:
    """A check of what is live, no worse than a result of other tools that found nothing."""
    made = subject_of(checkout, app, {"gates": {name: "no-worse-than-live"}})
    kept = CheckRecord("pass", tools=tools, findings=(), tests={})
    answer = checks_answer(commit or pick_commit(app, None, allow_dirty=True).id, {name: kept})
    made.machines = (host_machine("prod1", answer),)
    options = CheckOptions(only=("tests" if name == "coverage" else name,))
    verdicts = validation.validate(CHECKS, made, options, Screen(as_json=True))
    (found,) = (each for each in verdicts if each.name == name)
    return found


def test_what_only_another_version_of_a_tool_finds_is_looked_for_in_the_live_commit_too(checkout, tmp_path):
    app = checkout.application(tmp_path, LINT)
    same = {"ruff": importlib.metadata.version("ruff")}
    assert beside_live(checkout, app, "lint", {"ruff": "0.0.1"}).result.outcome == "pass"
    assert beside_live(checkout, app, "lint", same).result.outcome == "fail"
    (app / "shop/price.py").write_text("import os\n")
    worse = beside_live(checkout, app, "lint", {"ruff": "0.0.1"}).result
    assert (worse.outcome, [each.place for each in worse.findings]) == ("fail", ["shop/price.py"])
    assert beside_live(checkout, app, "lint", {"ruff": "0.0.1"}, commit="0" * 40).result.outcome == "unknown"


def test_coverage_of_the_live_commit_by_another_version_is_that_of_its_suites_run_again(checkout, tmp_path):
    app = checkout.application(tmp_path, HALF_COVERED)
    found = beside_live(checkout, app, "coverage", {"coverage": "0.1"})
    assert (found.result.outcome, found.own_result.outcome) == ("pass", "fail"), found.result.reason
    assert found.result.reason == "0 new beside 1 of the live release"


def test_a_new_machine_without_a_release_does_not_make_everything_new(subject):
    several = of_two_machines(replace(subject, setting=PredeploySetting(gates={"own": "no-worse-than-live"})))
    found = Finding("bad", "is bad", "t")
    kept = {"own": CheckRecord(PASS, tools={}, findings=(), tests={})}
    new, used = host_machine("prod1"), host_machine("prod2", checks_answer(COMMIT, kept))
    for hosts, outcome in (((new,), PASS), ((new, used), FAIL)):
        asked, own = replace(several, machines=hosts), check("own", passes)
        verdict = validation.verdict(own, [own], asked, Result(FAIL, "looked", (found,)), CheckOptions())
        assert verdict.result.outcome == outcome
