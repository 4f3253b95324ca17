"""The check that critical tables hold enough rows, and new ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from psycopg import sql

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.database_check import NO_ROWS, conclude, counted, database_check, reads_database
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.table_name import table_name
from switchyard.predeploy.database.target_reader import is_empty
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject

_EXISTS = "SELECT to_regclass(%s) IS NOT NULL"


def _check_rows(subject: Subject, reader: Reader) -> Result:
    setting = setting_of(subject)
    if not setting.minimum and not setting.fresh:
        return skipped("set app.predeploy.database.minimum (table to rows) or fresh (table to column and age)")
    if is_empty(subject):
        return conclude([], [NO_ROWS], "nothing", reader)
    conditions: list[tuple[str, Callable[[], Finding | None]]] = [
        *((name, partial(_minimum_rows, reader, name, rows)) for name, rows in setting.minimum.items()),
        *((name, partial(_fresh_rows, reader, name, age.column, age.within)) for name, age in setting.fresh.items()),
    ]
    findings: list[Finding] = []
    unchecked: list[str] = []
    for name, condition in conditions:
        try:
            finding = _no_table(reader, name) or condition()
        except NotChecked as error:
            unchecked.append(f"{name}: {error}")
            continue
        findings += [finding] if finding else []
    return conclude(findings, unchecked, counted(len(conditions), "table"), reader)


def _no_table(reader: Reader, name: str) -> Finding | None:
    if reader.value(_EXISTS, bool, [table_name(name).identifier.as_string(None)]):
        return None
    do = "name it as schema.table in app.predeploy.database, or find out where it went"
    return Finding("no-table", "there is no such table", name, do=do)


def _minimum_rows(reader: Reader, name: str, minimum: int) -> Finding | None:
    """Count up to the minimum, which reads no more rows than that."""
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) t").format(
        table_name(name).identifier, sql.Literal(minimum)
    )
    rows = reader.value(query, int) or 0
    if rows >= minimum:
        return None
    do = "find out where its rows went, or lower app.predeploy.database.minimum"
    what = f"it has {counted(rows, 'row')}, and needs at least {minimum}"
    return Finding("minimum-rows", what, name, do=do, text=name)


def _fresh_rows(reader: Reader, name: str, column: str, seconds_max: int) -> Finding | None:
    """Compare the newest time with now. Rows of the future do not tell when one was last written.

    A time without a zone is in the role's.
    """
    query = sql.SQL(
        "SELECT extract(epoch FROM now() - max({0})::timestamptz)::bigint FROM {1} WHERE {0} <= now()"
    ).format(sql.Identifier(column), table_name(name).identifier)
    age = reader.value(query, int, as_role=True)
    do = "find out what stopped writing, or raise app.predeploy.database.fresh"
    if age is None:
        return Finding("fresh-rows", f"it has no row with a {column} before now", name, do=do, text=name)
    if age <= seconds_max:
        return None
    what = f"its newest {column} is {age} s old, and at most {seconds_max} s are allowed"
    return Finding("fresh-rows", what, name, do=do, text=name)


CHECKS = (
    database_check(
        "rows",
        "critical tables hold enough rows, and new ones",
        "app.predeploy.database.minimum or fresh",
        reads_database(_check_rows),
        __file__,
    ),
)
