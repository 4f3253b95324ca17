"""A session of the application's own noxfile in place of a check."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

from switchyard.core.wire import json_text
from switchyard.core.wire.message import Foreign, message
from switchyard.predeploy.engine.application_files import existing
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Finding, Result, judged, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.junit import JUnitTests, read_junit
from switchyard.predeploy.nox.session import SessionRun, fresh_reports, nox
from switchyard.predeploy.nox.variables import of_tests

SUITES = ("unit", "smoke", "integration")
"""The checks that run tests: a session in place of one passes only if it reports its tests."""
REPORT = "SWITCHYARD_REPORT"
"""Names the file where the session leaves its tests as JUnit XML."""


@message(frozen=True)
class NoxSession(Foreign):
    """One session in nox's report."""

    result: str


@message(frozen=True)
class NoxReport(Foreign):
    """What ``nox --report`` writes."""

    sessions: tuple[NoxSession, ...] = ()


def or_session(check: Check) -> Check:
    """Return the check, replaced for an application that names a session in its place.

    Passes of such a session are not cached: nobody knows what it depends on.
    """
    return replace(check, run=functools.partial(_run, check), lasts=functools.partial(_lasts, check))


def _run(check: Check, subject: Subject) -> Result:
    return _session(check.name, subject) if named(check.name, subject) else check.run(subject)


def _lasts(check: Check, subject: Subject) -> float:
    return 0.0 if named(check.name, subject) else check.lasts(subject)


def named(check: str, subject: Subject) -> str | None:
    """Return the session that the settings name in place of a check."""
    return subject.setting.sessions.of(check)


def _session(check: str, subject: Subject) -> Result:
    name = str(named(check, subject))
    noxfile = subject.folder / existing(subject, "nox", [subject.setting.nox])[0]
    reports = fresh_reports(subject, check)
    caches = {key: str(subject.state / tool) for key, tool in (("UV_CACHE_DIR", "uv"), ("PIP_CACHE_DIR", "pip"))}
    with tempfile.TemporaryDirectory(prefix="switchyard-") as temporary:
        env = of_tests(subject, Path(temporary)) | caches
        env[REPORT] = str(reports / "junit.xml")
        run = nox(noxfile, name, subject, reports, env, subject.state / "nox-own")
    return _judged(check, f"session {name} of {noxfile.name}", subject, run)


def _judged(check: str, title: str, subject: Subject, run: SessionRun) -> Result:
    """Pass if the session succeeds, and for a suite if its JUnit file shows tests. ``title``: names the session."""
    tests = read_junit(run.reports / "junit.xml")
    problem = _problem(title, subject, run, tests)
    if problem:
        return _unknown(problem, run)
    failures = tests.failures if tests else {}
    findings = [Finding("failed-test", f"{test} failed: {why}", text=test) for test, why in failures.items()]
    code = int(run.text("nox"))
    if code == 1 and not findings:
        findings = [Finding("failed-session", f"{title} failed")]
    if tests is None and not findings and check in SUITES:
        return _unknown(f"{title} left no JUnit file at ${REPORT}, so whether it ran any test is not known", run)
    summary = f"{len(tests.outcomes)} tests" if tests else f"its exit code is {code}"
    outcomes = tests.outcomes if tests else {}
    return judged(findings, f"{title}: {summary}", tests=outcomes, output=run.output, log=str(run.log))


def _problem(title: str, subject: Subject, run: SessionRun, tests: JUnitTests | None) -> str:
    """Return why the session says nothing about the application; empty if it does."""
    if not run.ended:
        return f"{title} was not done within {subject.setting.timeout} s (app.predeploy.timeout)"
    code = int(run.text("nox"))
    if code not in (0, 1):
        return f"{title} could not run, nox ended with {code}"
    report = NoxReport.decode(json_text.parse(run.text("nox.json") or "{}"))
    results = [session.result for session in report.sessions]
    if not results or not set(results) <= {"success", "failed", "aborted"}:
        return f"{title} did not run: {', '.join(results) or 'nox reports no session'}"
    if tests is not None and not set(tests.outcomes.values()) - {"skipped"}:
        return f"{title} ran no test"
    return ""


def _unknown(reason: str, run: SessionRun) -> Result:
    return unknown(reason, output=run.output, log=str(run.log))
