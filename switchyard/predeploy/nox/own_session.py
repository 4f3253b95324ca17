"""A session of the application's own noxfile, in the place of a check."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Finding, Result, judged, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.nox.session import Ran, clean_env, existing, nox

SUITES = ("unit", "smoke", "integration")
"""What a session passes with its tests alone."""


def or_session(check: Check) -> Check:
    """The same check, but for an application that names a session of its own; no pass of that is kept."""
    return replace(
        check,
        run=lambda subject: _session(check.name, subject) if named(check.name, subject) else check.run(subject),
        lasts=lambda subject: 0.0 if named(check.name, subject) else check.lasts(subject),
    )


def named(check: str, subject: Subject) -> str | None:
    """The session in the place of a check."""
    found: str | None = getattr(subject.setting.sessions, check)
    return found


def _session(check: str, subject: Subject) -> Result:
    """Passes where the session succeeds; its tests are known where it leaves a JUnit file at $SWITCHYARD_REPORT."""
    name = str(named(check, subject))
    noxfile = subject.folder / existing(subject, "nox", [subject.setting.nox])[0]
    reports = subject.reports / check
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True, mode=0o700)
    caches = {key: str(subject.state / tool) for key, tool in (("UV_CACHE_DIR", "uv"), ("PIP_CACHE_DIR", "pip"))}
    with tempfile.TemporaryDirectory(prefix="switchyard-") as temporary:
        env = clean_env(subject.setting.passed, Path(temporary)) | caches
        env["SWITCHYARD_REPORT"] = str(reports / "junit.xml")
        ran = nox(noxfile, name, subject, reports, env, subject.state / "nox-own")
    return _judged(check, f"session {name} of {noxfile.name}", subject, ran)


def _judged(check: str, of: str, subject: Subject, ran: Ran) -> Result:
    if not ran.ended:
        return _unknown(f"{of} was not done within {subject.setting.timeout} s (app.predeploy.timeout)", ran)
    code = int(ran.text("nox"))
    if code not in (0, 1):
        return _unknown(f"{of} could not run, nox ended with {code}", ran)
    results = [each["result"] for each in json.loads(ran.text("nox.json") or "{}").get("sessions", [])]
    if not results or not set(results) <= {"success", "failed", "aborted"}:
        return _unknown(f"{of} did not run: {', '.join(results) or 'nox tells of no session'}", ran)
    tests, failures = _tests(ran.reports / "junit.xml")
    if tests is not None and not set(tests.values()) - {"skipped"}:
        return _unknown(f"{of} ran no test", ran)
    findings = [Finding("failed-test", f"{test} failed: {why}", text=test) for test, why in failures.items()]
    if code == 1 and not findings:
        findings = [Finding("failed-session", f"{of} failed")]
    if tests is None and not findings and check in SUITES:
        return _unknown(f"{of} left no JUnit file at $SWITCHYARD_REPORT, so whether it ran any test is not known", ran)
    told = f"{len(tests)} tests" if tests is not None else f"its exit code is {code}"
    return judged(findings, f"{of}: {told}", tests=tests or {}, output=ran.output, log=str(ran.log))


def _unknown(reason: str, ran: Ran) -> Result:
    return unknown(reason, output=ran.output, log=str(ran.log))


def _tests(path: Path) -> tuple[dict[str, str] | None, dict[str, str]]:
    """Each test of a JUnit file with its outcome, and the reason of each that failed; None where there is no file."""
    try:
        cases = ElementTree.parse(path).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        return None, {}
    tests, failures = {}, {}
    for case in cases:
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        bad = next((part for part in case if part.tag in ("failure", "error")), None)
        tests[name] = "failed" if bad is not None else "skipped" if case.find("skipped") is not None else "passed"
        if bad is not None:
            failures[name] = (bad.get("message") or "").split("\n")[0]
    return tests, failures
