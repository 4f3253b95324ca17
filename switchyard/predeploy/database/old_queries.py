"""The check that the live release's queries still work on the schema that the pending migrations make."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg

from switchyard.predeploy.database.database_check import conclude, counted, database_check, reads_database
from switchyard.predeploy.database.database_setting import session_variables, setting_of
from switchyard.predeploy.database.fingerprint import Fingerprint, ObjectKey, fingerprint_of, shortened
from switchyard.predeploy.database.migration_files import NO_MIGRATIONS, Migrations, migration_files
from switchyard.predeploy.database.migration_status import build_applied
from switchyard.predeploy.database.query_parameters import numbered
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.recorded_queries import (
    NOTHING_SEEN,
    RecordedQuery,
    none_planned,
    planning_errors,
    queries_of_statistics,
    reason_of,
    recorded_queries,
)
from switchyard.predeploy.database.reference_databases import reference_databases
from switchyard.predeploy.database.reference_server import ReferenceDatabase
from switchyard.predeploy.database.syntax_tree import RefusedSql, parse
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject

_TYPE_ERRORS = (psycopg.errors.IndeterminateDatatype, psycopg.errors.AmbiguousFunction)
"""Errors of a query whose text leaves a type open, such as that of ``interval $1``."""
_FILLED = re.compile(r" (default|identity|generated)\b")
"""In the definition of a column: what fills it where an INSERT does not name it."""


def _check_old_queries(subject: Subject, reader: Reader) -> Result:
    if subject.app.migrations is None:
        return skipped(NO_MIGRATIONS)
    files = migration_files(subject)
    queries, origin = recorded_queries(subject)
    unchecked: list[str] = []
    is_embedded = reader.address.source == "embedded"
    if not is_embedded:
        seen, unchecked = queries_of_statistics(reader)
        unchecked = [] if queries and unchecked == [NOTHING_SEEN] else unchecked
        queries += seen
        origin += " and pg_stat_statements" if seen else ""
    pattern = setting_of(subject).queries
    if not queries and not unchecked:
        return skipped(f"no query is recorded: put the queries into {pattern}, one a file")
    if not queries:
        reasons = [f"{reason}, or put the queries into {pattern}, one a file" for reason in unchecked]
        return conclude([], reasons, "nothing", reader)
    after = reference_databases(subject).build(reader.version, files)
    scope = f"{counted(len(queries), 'statement')} of {origin}"
    if is_embedded:
        return _check_without_database(queries, after, scope, reader)
    return _compare(subject, reader, files, queries, after, scope, unchecked)


def _compare(
    subject: Subject,
    reader: Reader,
    files: Migrations | None,
    queries: Sequence[RecordedQuery],
    after: ReferenceDatabase,
    scope: str,
    unchecked: list[str],
) -> Result:
    """Plan each query on the schema of the applied migrations and on that of all of them."""
    before, applied = build_applied(subject, reader, files)
    earlier, now = planning_errors(queries, before), planning_errors(queries, after)
    findings = [_broken(query, now[query]) for query in queries if query in now and query not in earlier]
    variables = session_variables(setting_of(subject))
    old, new = fingerprint_of(before, variables), fingerprint_of(after, variables)
    findings += stricter_objects(old, new) + star_queries(queries, old, new)
    pending = "the pending migrations"
    if applied is not None:
        pending = counted(len(set(files or ()) - set(applied)), "pending migration")
    scope += f", planned before and after {pending}"
    if earlier:
        scope += f"; {len(earlier)} could not be planned before either"
    unplannable = [query.place for query in earlier]
    unchecked = unchecked + none_planned(queries, earlier)
    return conclude(findings, unchecked, scope, reader, unplannable=unplannable)


def _check_without_database(
    queries: Sequence[RecordedQuery], reference: ReferenceDatabase, scope: str, reader: Reader
) -> Result:
    """Plan each query on what the migrations build, because no database records which are applied."""
    errors = planning_errors(queries, reference)
    untyped = {query: error for query, error in errors.items() if isinstance(error, _TYPE_ERRORS)}
    findings = [_broken(query, error) for query, error in errors.items() if query not in untyped]
    scope += ", planned on what the migrations build"
    if untyped:
        scope += f"; {len(untyped)} leave a type open, and cannot be planned without it"
    unplannable = [query.place for query in untyped]
    return conclude(findings, none_planned(queries, untyped), scope, reader, unplannable=unplannable)


def _broken(query: RecordedQuery, error: Exception) -> Finding:
    do = "keep what it needs until no release uses it: expand now, contract in a later release"
    shown = f": {shortened(query.text)}" if query.is_from_statistics else ""
    what = f"fails on the new schema: {reason_of(error)}{shown}"
    return Finding("broken-query", what, query.place, do=do, text=query.text)


def stricter_objects(before: Fingerprint, after: Fingerprint) -> list[Finding]:
    """Return what breaks the old release even where its queries can be planned.

    These are columns that every INSERT must give now, and new or changed objects that refuse or hide rows.
    """
    findings = []
    for key, definition in sorted(after.items()):
        old = before.get(key)
        is_known_table = key.kind == "table" and old is not None
        if is_known_table and "row security" in definition and "row security" not in (old or ""):
            what = "row security is on now: the release that still runs may not see its rows, or not write them"
            findings.append(Finding("new-policy", what, key.name, severity="warn", text=key.name))
        if ObjectKey("table", "", key.owner) not in before or old == definition:
            continue
        place = f"{key.owner}.{key.name}"
        if key.kind == "column":
            if _is_required(definition) and not (old is not None and _is_required(old)):
                what = "every INSERT must give it now, and those of the release that still runs may not"
                findings.append(Finding("required-column", what, place, do="give it a default", text=place))
        elif _refuses_rows(key, definition) and (old is None or old.removesuffix(" NOT VALID") != definition):
            change = f"a {'new' if old is None else 'changed'} {'unique ' * (key.kind == 'index')}{key.kind}"
            what = f"{change} may refuse rows that the release that still runs writes"
            findings.append(Finding(f"new-{key.kind}", what, place, severity="warn", text=place))
    return findings


def _is_required(column: str) -> bool:
    return " not null" in column and not _FILLED.search(column)


def _refuses_rows(key: ObjectKey, definition: str) -> bool:
    is_unique_index = key.kind == "index" and definition.startswith("CREATE UNIQUE ")
    return key.kind in ("constraint", "trigger", "rule", "policy") or is_unique_index


def star_queries(queries: Sequence[RecordedQuery], before: Fingerprint, after: Fingerprint) -> list[Finding]:
    """Return the queries with ``SELECT *`` of a table that gets columns.

    A statement that a client prepared before the migration fails from then on.
    """
    grown = {
        key.owner.split(".", 1)[1]
        for key in after.keys() - before.keys()
        if key.kind == "column" and ObjectKey("table", "", key.owner) in before
    }
    findings = []
    for query in queries:
        try:
            nodes = [node for statement in parse(numbered(query.text)) for node in statement.nodes()]
        except RefusedSql:
            continue
        tables = sorted(grown & {node.relation for node in nodes})
        if tables and any(node.name == "A_Star" for node in nodes):
            what = f"reads all columns of {', '.join(tables)}, which gets more: a prepared statement of it will fail"
            do = "name the columns, or prepare nothing (psycopg: prepare_threshold=None)"
            findings.append(Finding("star-query", what, query.place, do=do, severity="warn", text=query.text))
    return findings


CHECKS = (
    database_check(
        "old-queries",
        "every recorded query of the live release still works after the pending migrations",
        "app.migrations, and sql/queries/*.sql or pg_stat_statements",
        reads_database(_check_old_queries),
        __file__,
    ),
)
