"""Runs checks side by side, each to a result; what a check throws is an unknown, never the end of the others."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from switchyard.core.errors import SwitchyardError
from switchyard.core.redact import redact, redact_all, spellings
from switchyard.predeploy.engine import cache
from switchyard.predeploy.engine.check import GROUPS, Check
from switchyard.predeploy.engine.result import FAIL, PASS, SKIPPED, UNKNOWN, Finding, Result, not_checked, unknown
from switchyard.predeploy.engine.subject import Subject

COMPUTING = max(2, os.cpu_count() or 1)
"""Checks that compute at one time. With more than there are cores the longest, for which all wait, takes longer."""
FIRST = 5.0
"""Seconds that a check which never ran is taken to need."""


class Show(Protocol):
    """Told of a check's beginning and end."""

    def begins(self, check: Check, usual: float | None) -> None:
        """``usual``: the seconds that it took the last time."""

    def ends(self, check: Check, result: Result) -> None:
        """Its result."""


def run(checks: Sequence[Check], subject: Subject, *, fresh: bool, show: Show) -> dict[str, Result]:
    """Every check's result by name, the longest first, each after those that it waits for."""
    usual = _usual(subject)
    cores = threading.Semaphore(COMPUTING)
    running: dict[str, Future[Result]] = {}
    left = {group: list(range(sum(check.group == group for check in checks))) for group in GROUPS}
    try:
        with ThreadPoolExecutor(len(checks) or 1) as pool:
            for check in _ordered(checks, usual):
                before = [running[name] for name in check.after if name in running]
                core = contextlib.nullcontext() if check.waits else cores
                one = pool.submit(_one, check, subject, before, core, fresh, usual.get(check.name), show)
                running[check.name] = one
                one.add_done_callback(functools.partial(_ended, subject, left, check.group))
            try:
                results = {check.name: running[check.name].result() for check in checks}
            except KeyboardInterrupt:
                subject.cancelled.set()
                raise
    finally:
        subject.closing.close()
    _keep_usual(subject, usual, results)
    return results


def _ended(subject: Subject, left: Mapping[str, list[int]], group: str, _: Future[Result]) -> None:
    """With the last check of a group what it had open is closed; others may go on for long."""
    if left[group].pop() == 0:
        subject.closing_after(group).close()


def _ordered(checks: Sequence[Check], usual: Mapping[str, float]) -> list[Check]:
    """The longest first; one that comes after others stands behind them."""
    left = sorted(checks, key=lambda check: -usual.get(check.name, FIRST))
    ordered: list[Check] = []
    names = {check.name for check in checks}
    while left:
        free = [c for c in left if not (set(c.after) & names) - {done.name for done in ordered}]
        ordered += free
        left = [check for check in left if check not in free]
    return ordered


def _one(
    check: Check,
    subject: Subject,
    before: list[Future[Result]],
    core: contextlib.AbstractContextManager[object],
    fresh: bool,
    usual: float | None,
    show: Show,
) -> Result:
    for each in before:
        each.result()
    with core:
        if subject.cancelled.is_set():
            return unknown("interrupted")
        kept = None if fresh else cache.get(check, subject)
        if kept is not None:
            show.ends(check, kept)
            return kept
        show.begins(check, usual)
        began = time.monotonic()
        result = redacted(attempted(check, subject), subject)
        result = replace(result, seconds=round(time.monotonic() - began, 3))
        cache.put(check, subject, result)
        show.ends(check, result)
        return result


def attempted(check: Check, subject: Subject) -> Result:
    """The check's own result, of all its machines together, or unknown with what stopped it."""
    try:
        machines = check.machines(subject)
    except SwitchyardError as error:
        return unknown(str(error))
    if len(machines) == 1:
        return _attempted(check, machines[0], check.name)
    with ThreadPoolExecutor(len(machines)) as pool:
        results = list(pool.map(lambda each: _attempted(check, each, f"{check.name}.{each.machine}"), machines))
    return together({each.machine: result for each, result in zip(machines, results, strict=True)})


def together(results: Mapping[str, Result]) -> Result:
    """One result of those of several machines: the worst outcome, and every sentence names its machine.

    Beside a failure what is unknown is a finding, so that no comparison with the live release loses it.
    """
    outcomes = {result.outcome for result in results.values()}
    outcome = next(each for each in (FAIL, UNKNOWN, PASS, SKIPPED) if each in outcomes)
    findings = []
    for machine, result in results.items():
        told = [*result.findings]
        if outcome == FAIL and result.outcome == UNKNOWN:
            told.append(not_checked(result.reason))
        # A waiver may be meant for one machine alone.
        told = [each for each in told if each.rule != "waiver-unused" or _all_have(each, results.values())]
        findings += [
            replace(each, what=f"{machine}: {each.what}", text=each.text or each.what, machine=machine) for each in told
        ]
    first = next(iter(results.values()))
    return Result(
        outcome,
        "; ".join(
            f"{machine}: " + f"{result.outcome}: " * (result.outcome != outcome) + result.reason
            for machine, result in results.items()
        ),
        tuple(findings),
        tools=first.tools,
        facts={**first.facts, "machines": {machine: dict(result.facts) for machine, result in results.items()}},
        log=next((result.log for result in results.values() if result.log), ""),
    )


def _all_have(finding: Finding, results: Iterable[Result]) -> bool:
    return all(finding in result.findings for result in results)


def _attempted(check: Check, subject: Subject, name: str) -> Result:
    """``name``: that of the file for an error of the check's own, without its end."""
    try:
        return check.run(subject)
    except SwitchyardError as error:
        return unknown(str(error))
    except Exception as error:
        subject.reports.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = subject.reports / f"{quote(name, safe='')}.traceback"
        log.write_text(redact(traceback.format_exc(), secrets(subject)))
        return unknown(f"the check met an error of its own: {type(error).__name__}: {error}", log=str(log))


def secrets(subject: Subject) -> list[str]:
    """What nothing shows: the values of the host's env and of the variables passed on, as a text may hold them."""
    passed = (os.environ.get(name, "") for name in subject.setting.passed)
    return spellings([*subject.env.values(), *passed])


def redacted(result: Result, subject: Subject) -> Result:
    """A result in whose words no value of the env stands."""
    secret = secrets(subject)
    findings = tuple(Finding(**redact_all(vars(finding), secret)) for finding in result.findings)
    facts = redact_all(dict(result.facts), secret)
    reason, output = redact(result.reason, secret), redact(result.output, secret)
    return replace(result, findings=findings, facts=facts, reason=reason, output=output)


def _usual(subject: Subject) -> dict[str, float]:
    try:
        return dict(json.loads(_usual_path(subject).read_text()))
    except (OSError, ValueError):
        return {}


def _keep_usual(subject: Subject, usual: Mapping[str, float], results: Mapping[str, Result]) -> None:
    taken = {name: result.seconds for name, result in results.items() if result.cached is None}
    subject.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = _usual_path(subject).with_name(f".usual.{os.getpid()}")
    aside.write_text(json.dumps({**usual, **taken}))
    os.replace(aside, _usual_path(subject))


def _usual_path(subject: Subject) -> Path:
    return subject.state / "usual.json"
