"""The checks that run files of SQL: Switchyard's own about schema and server, and the application's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from switchyard.control import terminal
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.tree_pattern import matches
from switchyard.predeploy.database.database_check import A_DATABASE, conclude, counted, database_check, reads_database
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.reader import Reader, Table
from switchyard.predeploy.database.sql_checks import SEVERITIES, SqlCheck, read_sql_check, shipped
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject

APPLICATION_FOLDER = "sql/checks"
"""The folder of the application's own checks."""
SAMPLE_CHARACTERS_MAX = 200
TABLES = """SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_SEES_ALL_SESSIONS = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"


class SqlCheckRun(NamedTuple):
    """What a run of several files came to."""

    findings: list[Finding]
    unchecked: list[str]
    ran: list[SqlCheck]
    """The files that are for the server's version."""


def run_sql_checks(checks: Sequence[SqlCheck], reader: Reader, samples: int, *, as_role: bool = False) -> SqlCheckRun:
    """Run files of SQL. ``samples`` is the number of rows that a finding shows; ``as_role`` is that of ``Reader``."""
    run = SqlCheckRun([], [], [check for check in checks if check.runs_on(reader.version)])
    for check in run.ran:
        try:
            table = reader.table(check.sql, as_role=as_role)
        except NotChecked as error:
            if check.severity == "error":
                run.unchecked.append(f"{check.place}: {error}")
            else:
                what = f"could not be looked at: {error}"
                run.findings.append(Finding(check.id, what, check.place, severity=check.severity))
            continue
        run.findings.extend(violations(check, table, samples))
    return run


def violations(check: SqlCheck, table: Table, samples: int) -> list[Finding]:
    """Return a finding for each row with a place; for other rows one finding with their number and samples."""
    columns = table.columns
    if columns[:2] == ["place", "what"]:
        severity = columns.index("severity") if "severity" in columns else None
        more = table.number - len(table.rows)
        rest = f"and {counted(more, 'more row')}, which are not shown"
        kept = [_violation(check, row, severity) for row in table.rows]
        return [*kept, *([Finding(check.id, rest, check.place, severity=check.severity)] if more else [])]
    if not table.rows:
        return []
    samples_shown = "; ".join(
        terminal.shown(", ".join(f"{name}={value}" for name, value in zip(columns, row, strict=True)))[
            :SAMPLE_CHARACTERS_MAX
        ]
        for row in table.rows[:samples]
    )
    what = f"{counted(table.number, 'row')} against: {check.promises}"
    what += f" Among them: {samples_shown}" if samples_shown else ""
    return [Finding(check.id, what, check.place, do=check.do, severity=check.severity, text=check.id)]


def _violation(check: SqlCheck, row: Sequence[object], severity_column: int | None) -> Finding:
    place, what, *_ = row
    severity = check.severity if severity_column is None else str(row[severity_column])
    if severity not in SEVERITIES:
        severity = check.severity
    return Finding(check.id, str(what), str(place), do=check.do, severity=severity)


def _check_schema(subject: Subject, reader: Reader) -> Result:
    checks = [check for check in shipped() if check.check == "schema"]
    findings, unchecked, ran = run_sql_checks(checks, reader, setting_of(subject).samples)
    tables = reader.value(TABLES, int) or 0
    scope = f"{counted(tables, 'table')}, {counted(len(ran), 'file')} of sql/checks"
    if not tables and not unchecked:
        return conclude(findings, ["there is no table, so nothing was checked"], scope, reader)
    return conclude(findings, unchecked, scope, reader, tables=tables)


def _check_server(subject: Subject, reader: Reader) -> Result:
    if reader.address.source == "embedded":
        return skipped(
            "the condition of an embedded PostgreSQL says nothing about a real server: give --host, or an address in "
            f"{setting_of(subject).url_from}"
        )
    checks = [check for check in shipped() if check.check == "server"]
    findings, unchecked, ran = run_sql_checks(checks, reader, setting_of(subject).samples)
    if not reader.value(_SEES_ALL_SESSIONS, bool):
        unchecked.append("the role does not see what others do: GRANT pg_monitor TO it")
    return conclude(findings, unchecked, f"{counted(len(ran), 'file')} of sql/checks", reader)


def application_checks(folder: Path, functions: Sequence[str] = ()) -> tuple[list[SqlCheck], list[str]]:
    """Return the application's own checks, and the reasons why files are refused."""
    checks: list[SqlCheck] = []
    refusals: list[str] = []
    for place in matches(str(folder), f"{APPLICATION_FOLDER}/*.sql", os.scandir, os.path.realpath):
        try:
            check = read_sql_check(folder / place, place, functions)
            twin = next((other for other in checks if other.id == check.id), None)
            if twin is not None:
                raise BadInput(f"{place}:1: {twin.place} has the id {check.id} too")
            checks.append(check)
        except BadInput as error:
            refusals.append(str(error))
    return checks, refusals


def _check_own(subject: Subject) -> Result:
    checks, refusals = application_checks(subject.folder, setting_of(subject).functions)
    if not checks and not refusals:
        return skipped(f"the application has no checks of its own in {APPLICATION_FOLDER}/")
    return reads_database(lambda subject, reader: _run_own(subject, reader, checks, refusals))(subject)


def _run_own(subject: Subject, reader: Reader, checks: list[SqlCheck], refusals: list[str]) -> Result:
    findings, unchecked, ran = run_sql_checks(checks, reader, setting_of(subject).samples, as_role=True)
    scope = f"{counted(len(ran), 'file')} of {APPLICATION_FOLDER}"
    others = [check.place for check in checks if check not in ran]
    if others:
        scope += f"; {', '.join(others)} {'is' if len(others) == 1 else 'are'} for other versions of the server"
    if others and not ran:
        unchecked.append("no file is for this version of the server")
    return conclude(findings, [*refusals, *unchecked], scope, reader)


CHECKS = (
    database_check(
        "schema",
        "every file of sql/checks about tables, indexes, constraints and triggers finds nothing",
        A_DATABASE,
        reads_database(_check_schema),
        __file__,
    ),
    database_check(
        "server",
        "the server has room for a second colour, and nothing on it would delay a migration",
        "a host, or an address of a database",
        reads_database(_check_server),
        __file__,
    ),
    database_check(
        "own",
        f"the application's own checks in {APPLICATION_FOLDER}/ find nothing",
        f"{APPLICATION_FOLDER}/*.sql in the application's folder",
        _check_own,
        __file__,
    ),
)
