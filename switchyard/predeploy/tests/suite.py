"""The application's suites, each run by pytest in the environment of the application's requirements."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from switchyard.predeploy.engine.application_files import existing
from switchyard.predeploy.engine.check import FOREVER, Check, never
from switchyard.predeploy.engine.gate import REQUIRED
from switchyard.predeploy.engine.result import Finding, Result, judged, skipped, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.application_session import SUITES, or_session
from switchyard.predeploy.nox.environment import python
from switchyard.predeploy.nox.session import SessionRun, session
from switchyard.predeploy.nox.target import SuiteOptions
from switchyard.predeploy.nox.variables import of_tests
from switchyard.predeploy.tests import coverage_data
from switchyard.predeploy.tests.pytest_run import PytestRun

NO_TESTS = 5
"""pytest's exit code where it collects no test."""
STOPPED = 2
"""pytest's exit code where it stops at a failure and runs in several processes."""


def run(name: str, subject: Subject) -> Result:
    """Run the tests of one folder."""
    folder = subject.setting.tests.of(name)
    if folder is None:
        return skipped(f"no tests are named: set app.predeploy.tests.{name} to their folder")
    existing(subject, f"tests.{name}", [folder])
    others = [other for kind in SUITES if kind != name and (other := subject.setting.tests.of(kind))]
    data = coverage_data.fresh_data_folder(BY_NAME[name], subject)
    options = SuiteOptions(
        python=str(python(subject)),
        tests=folder,
        ignore=tuple(other for other in others if Path(folder) in Path(other).parents),
        stop=name == "unit" and subject.setting.gates.get(name, REQUIRED) == REQUIRED,
        workers=len(os.sched_getaffinity(0)) if name == "unit" else 1,
        coverage=coverage_data.measuring(subject, data) if data else None,
    )
    nox = session(name, subject, options, variables=of_tests)
    first, again = PytestRun.read(nox.text("tests.jsonl")), PytestRun.read(nox.text("again.jsonl"))
    result = _judged(subject, folder, nox, first, again)
    if data and first.finished and len(first.outcome) == len(first.collected) > 0 and not first.broken:
        (data / coverage_data.COMPLETE).write_text(str(subject.folder))
    return result


def _judged(subject: Subject, folder: str, nox: SessionRun, first: PytestRun, again: PytestRun) -> Result:
    """Judge pytest's exit code and its tests together. ``again``: the second run, of the failed tests."""
    outcomes = _with_flaky(first, again)
    problem = _problem(subject, folder, nox, first, outcomes)
    if problem:
        return unknown(problem, output=nox.output, log=str(nox.log), facts={"slowest": first.slowest})
    return judged(
        [_failure(subject, first, test, outcomes[test]) for test in first.failures],
        _summary(first, outcomes),
        tests=outcomes,
        tools={"pytest": first.version, "python": platform.python_version()},
        facts={"slowest": first.slowest},
        output=nox.output,
        log=str(nox.log),
    )


def _with_flaky(first: PytestRun, again: PytestRun) -> dict[str, str]:
    """Return each test's outcome; a test that failed and passed is flaky."""
    passed = [test for test in first.failures if "passed" in (first.outcome.get(test), again.outcome.get(test))]
    return {**first.outcome, **dict.fromkeys(passed, "flaky")}


def _problem(subject: Subject, folder: str, nox: SessionRun, first: PytestRun, outcomes: Mapping[str, str]) -> str:
    """Return why the run says nothing about the application; empty if it does."""
    if not nox.ended:
        running = f"; running: {', '.join(first.running)}" if first.running else ""
        ended = f"{len(first.outcome)} of {len(first.collected)} tests ended"
        return f"not done within {subject.setting.timeout} s (app.predeploy.timeout): {ended}{running}"
    if first.broken:
        file, why = next(iter(first.broken.items()))
        return f"{len(first.broken)} of the files in {folder} cannot be collected, such as {file}: {why}"
    if not first.version:
        lines = [line.strip() for line in nox.output.splitlines() if line.strip()][-4:]
        return f"pytest did not begin: {' '.join(lines)}"
    stopped = (STOPPED,) if first.failures and first.finished else ()
    code = nox.code("pytest", 0, 1, NO_TESTS, *stopped)
    if code == NO_TESTS or not first.collected:
        return f"no test was collected in {folder}"
    if not first.finished or (code != 0 and not first.failures):
        return f"pytest ended with {code} and without a failed test"
    if not {"passed", "failed", "flaky"} & set(outcomes.values()):
        return f"all {len(outcomes)} tests in {folder} were skipped"
    return ""


def _failure(subject: Subject, tests: PytestRun, name: str, outcome: str) -> Finding:
    failure = tests.failures[name]
    is_inside = Path(failure.file or "-").is_relative_to(subject.folder)
    place = str(Path(failure.file).relative_to(subject.folder)) if is_inside else name.split("::")[0]
    line = failure.line if is_inside else None
    if outcome == "flaky":
        what = f"{name} failed and passed when it was run again: {failure.why}"
        return Finding("flaky-test", what, place, line, "find what it depends on; a second run is no pass", text=name)
    when = "" if failure.when == "call" else f" in its {failure.when}"
    return Finding("failed-test", f"{name} failed{when}: {failure.why}", place, line, text=name)


def _summary(tests: PytestRun, outcomes: Mapping[str, str]) -> str:
    counts = {kind: sum(each == kind for each in outcomes.values()) for kind in ("failed", "flaky", "skipped")}
    parts = [f"{count} {kind}" for kind, count in counts.items() if count]
    left = len(tests.collected) - len(outcomes)
    if left:
        parts.append(f"{left} not run after the first failure")
    slowest = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in tests.slowest.items())
    counted = f"{len(tests.collected)} tests" + (f": {', '.join(parts)}" if parts else "")
    return f"{counted}, pytest {tests.version}, python {platform.python_version()}\nthe slowest: {slowest}"


def _unit_lasts(subject: Subject) -> float:
    """Keep a pass as long as the data that ``coverage`` reads exists."""
    complete = coverage_data.data_folder(UNIT, subject) / coverage_data.COMPLETE
    return FOREVER if not subject.setting.sources or complete.exists() else 0.0


UNIT = or_session(
    Check(
        "unit",
        "tests",
        "every unit test passes, at the first attempt",
        "tests.unit, requirements",
        functools.partial(run, "unit"),
        Path(__file__),
        lasts=_unit_lasts,
    )
)
SMOKE = or_session(
    Check(
        "smoke",
        "tests",
        "every smoke test passes, at the first attempt",
        "tests.smoke, requirements",
        functools.partial(run, "smoke"),
        Path(__file__),
        lasts=never,
    )
)
INTEGRATION = or_session(
    Check(
        "integration",
        "tests",
        "every integration test passes, at the first attempt",
        "tests.integration, requirements",
        functools.partial(run, "integration"),
        Path(__file__),
        lasts=never,
    )
)
BY_NAME = {check.name: check for check in (UNIT, SMOKE, INTEGRATION)}
