"""The frame of every check of the database: when it is skipped, and how its parts add up to one result."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from switchyard.core.wire.message import Json
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_databases import GROUP
from switchyard.predeploy.database.target_database import machines, reason_to_skip
from switchyard.predeploy.database.target_reader import reader_of
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, judged, not_checked, skipped, unknown
from switchyard.predeploy.engine.subject import Subject

NO_ROWS = "the embedded database has no rows: set app.predeploy.database.fixture, or check a real database"
A_DATABASE = "a database, or migrations that build one"
"""What most checks need."""


def database_check(name: str, proves: str, needs: str, run: Callable[[Subject], Result], module: str) -> Check:
    """Return a check of the database. It runs for each machine that has one, and its passes are never cached.

    ``module`` is the file that defines it.
    """
    return Check(name, GROUP, proves, needs, run, Path(module), lasts=never, per_machine=machines)


def reads_database(check: Callable[[Subject, Reader], Result]) -> Callable[[Subject], Result]:
    """Give a check the reader of its machine's database. Skip the check where nothing names a database."""

    @functools.wraps(check)
    def run(subject: Subject) -> Result:
        reason = reason_to_skip(subject)
        return skipped(reason) if reason else check(subject, reader_of(subject))

    return run


def conclude(findings: list[Finding], unchecked: list[str], scope: str, reader: Reader, **facts: Json) -> Result:
    """Return the result of a check: fail for an error, unknown for a part that could not be checked.

    Where there are both, the check fails and each unchecked part is a finding. ``scope`` says what was checked.
    """
    reason = f"{scope}; {reader.description}"
    all_facts = {**reader.facts, **facts}
    if unchecked and any(finding.severity == "error" for finding in findings):
        return judged([*findings, *map(not_checked, unchecked)], reason, facts=all_facts)
    if unchecked:
        return unknown(f"{'; '.join(unchecked)} ({reason})", findings=tuple(findings), facts=all_facts)
    return judged(findings, reason, facts=all_facts)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 table``, ``2 tables``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
