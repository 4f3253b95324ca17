"""Run one check, on each machine where that matters, to one result. An exception becomes an unknown."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import quote

from switchyard.control.whole_file import write_whole
from switchyard.core.errors import SwitchyardError
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.redaction import redactor
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result, not_checked, unknown
from switchyard.predeploy.engine.subject import Subject
from switchyard.predeploy.engine.waivers import UNUSED


def look(check: Check, subject: Subject) -> Result:
    """Return the check's result, of all its machines together."""
    try:
        subjects = check.per_machine(subject)
    except SwitchyardError as error:
        return unknown(str(error))
    if len(subjects) == 1:
        return _look(check, subjects[0], check.name)
    with ThreadPoolExecutor(len(subjects)) as pool:
        results = list(pool.map(functools.partial(_look_at_machine, check), subjects))
    return together({each.machine: result for each, result in zip(subjects, results, strict=True)})


def _look_at_machine(check: Check, subject: Subject) -> Result:
    return _look(check, subject, f"{check.name}.{subject.machine}")


def _look(check: Check, subject: Subject, name: str) -> Result:
    """Run the check. ``name``: names the file of a traceback."""
    try:
        return check.run(subject)
    except SwitchyardError as error:
        return unknown(str(error))
    except Exception as error:
        log = subject.reports / f"{quote(name, safe='')}.traceback"
        write_whole(log, redactor(subject)(traceback.format_exc()))
        return unknown(f"the check met an error of its own: {type(error).__name__}: {error}", log=str(log))


def together(results: Mapping[str, Result]) -> Result:
    """Return one result for several machines: the worst outcome; every sentence names its machine.

    Beside a failure, an unknown is a finding, so that the comparison with the live release keeps it.
    """
    outcomes = {result.outcome for result in results.values()}
    worst = next(outcome for outcome in (FAIL, UNKNOWN, PASS, SKIPPED) if outcome in outcomes)
    findings = []
    for machine, result in results.items():
        for finding in _of_machine(result, worst, results.values()):
            what, text = f"{machine}: {finding.what}", finding.text or finding.what
            findings.append(replace(finding, what=what, text=text, machine=machine))
    first = next(iter(results.values()))
    reasons = (
        f"{machine}: " + f"{result.outcome}: " * (result.outcome != worst) + result.reason
        for machine, result in results.items()
    )
    return Result(
        worst,
        "; ".join(reasons),
        tuple(findings),
        tools=first.tools,
        facts={**first.facts, "machines": {machine: dict(result.facts) for machine, result in results.items()}},
        log=next((result.log for result in results.values() if result.log), ""),
    )


def _of_machine(result: Result, worst: str, all_results: Iterable[Result]) -> list[Finding]:
    """Return one machine's findings, without unused waivers that another machine uses."""
    findings = [*result.findings]
    if worst == FAIL and result.outcome == UNKNOWN:
        findings.append(not_checked(result.reason))
    return [
        finding
        for finding in findings
        if finding.rule != UNUSED or all(finding in each.findings for each in all_results)
    ]
