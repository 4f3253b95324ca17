"""What every check of the database has in common: when it is skipped, and what several parts come to together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from switchyard.predeploy.database import target_database
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.engine.result import Finding, Result, judged, not_checked, skipped, unknown
from switchyard.predeploy.engine.subject import Subject


def reading(check: Callable[[Subject, Reader], Result]) -> Callable[[Subject], Result]:
    """A check of the database; skipped where nothing names one."""

    @functools.wraps(check)
    def run(subject: Subject) -> Result:
        why = target_database.not_asked(subject)
        return skipped(why) if why else check(subject, target_database.state_of(subject).reader(subject))

    return run


def concluded(findings: list[Finding], unlooked: list[str], looked: str, reader: Reader, **facts: Any) -> Result:
    """Fails for what was found, is unknown for what could not be looked at, and says so where it is both."""
    reason = f"{looked}; {reader.words}"
    known = {**reader.facts, **facts}
    if unlooked and any(finding.severity == "error" for finding in findings):
        return judged([*findings, *map(not_checked, unlooked)], reason, facts=known)
    if unlooked:
        return unknown(f"{'; '.join(unlooked)} ({reason})", findings=tuple(findings), facts=known)
    return judged(findings, reason, facts=known)


def counted(number: int, noun: str) -> str:
    """``1 table``, ``2 tables``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
