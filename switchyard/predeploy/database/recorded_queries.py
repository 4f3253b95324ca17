"""The application's recorded queries: files of this tree or of the live release, and those of pg_stat_statements."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg
from psycopg import sql

from switchyard.core.errors import NotChecked
from switchyard.core.tree_pattern import matches
from switchyard.predeploy.database.connection import message_of
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.fingerprint import shortened
from switchyard.predeploy.database.migration_files import paths_at, text_at
from switchyard.predeploy.database.query_parameters import numbered
from switchyard.predeploy.database.reader import MARK, Reader
from switchyard.predeploy.database.reference_server import ReferenceDatabase
from switchyard.predeploy.database.sql_file import read_sql_file
from switchyard.predeploy.database.syntax_tree import RefusedSql, parse
from switchyard.predeploy.engine.subject import Subject

STATISTICS = "pg_stat_statements"
NOTHING_SEEN = (
    f"{STATISTICS} has seen no SELECT, INSERT, UPDATE, DELETE or MERGE of the application: let the live release answer "
    "its users for a while"
)
_QUERY_WORD = re.compile(r"\W*(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)


@dataclass(frozen=True)
class RecordedQuery:
    """One query."""

    place: str
    """Its file, or its id in pg_stat_statements."""
    text: str

    @property
    def is_from_statistics(self) -> bool:
        """Whether the server recorded it, so that no file shows its text."""
        return self.place.startswith(STATISTICS)


class _Statistic(NamedTuple):
    """A row of pg_stat_statements; both are None for what another role asked."""

    id: str | None
    text: str | None


def recorded_queries(subject: Subject) -> tuple[list[RecordedQuery], str]:
    """Return the queries in the live release's files, else in this tree's, and whose they are."""
    pattern = setting_of(subject).queries
    if subject.live is not None:
        commit = subject.live.commit
        paths = paths_at(subject, commit, pattern)
        return [RecordedQuery(path, text_at(subject, commit, path)) for path in paths], "the live release"
    return queries_of_tree(subject, pattern), "the application"


def queries_of_tree(subject: Subject, pattern: str) -> list[RecordedQuery]:
    """Return the queries in files of the checked tree."""
    paths = matches(str(subject.folder), pattern, os.scandir, os.path.realpath)
    files = (read_sql_file(subject.folder, path) for path in paths)
    return [RecordedQuery(file.path, file.text) for file in files]


def queries_of_statistics(reader: Reader) -> tuple[list[RecordedQuery], list[str]]:
    """Return what pg_stat_statements has seen, and why that is incomplete; nothing where it is not installed."""
    schema = reader.rows(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'pg_stat_statements'",
        str,
    )
    if not schema:
        return [], []
    statistics = sql.SQL(
        "SELECT DISTINCT queryid::text, query FROM {} WHERE toplevel "
        "AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).format(sql.Identifier(schema[0], "pg_stat_statements"))
    queries = []
    unchecked = []
    for number, text in reader.rows(statistics, _Statistic):
        if number is None or text is None:
            unchecked = ["pg_stat_statements hides what other roles asked from this one: GRANT pg_read_all_stats TO it"]
        elif MARK not in text and _is_query(text):
            queries.append(RecordedQuery(f"{STATISTICS} {number}", text))
    return queries, unchecked if queries or unchecked else [NOTHING_SEEN]


def _is_query(text: str) -> bool:
    try:
        statements = parse(text)
    except RefusedSql:  # such as interval $1, in which the statistics replaced a constant that the grammar needs
        return _QUERY_WORD.match(text) is not None
    return len(statements) == 1 and statements[0].is_query


def planning_errors(queries: Sequence[RecordedQuery], database: ReferenceDatabase) -> dict[RecordedQuery, Exception]:
    """Return the queries that a reference database cannot plan, with the errors. No query runs."""
    errors: dict[RecordedQuery, Exception] = {}
    with database.open() as connection:
        for query in queries:
            try:
                text = numbered(query.text)
                statements = parse(text)
                if len(statements) != 1 or not statements[0].is_query:
                    raise NotChecked("a file of queries holds one SELECT, INSERT, UPDATE, DELETE or MERGE")
                connection.execute(sql.SQL(f"EXPLAIN (GENERIC_PLAN) {text}"))
            except (psycopg.Error, NotChecked, RefusedSql) as error:
                errors[query] = error
    return errors


def none_planned(queries: Sequence[RecordedQuery], errors: Mapping[RecordedQuery, Exception]) -> list[str]:
    """Return the reason that nothing was checked, where no query can be planned."""
    if not queries or len(errors) < len(queries):
        return []
    query, error = next(iter(errors.items()))
    shown = f" ({shortened(query.text)})" if query.is_from_statistics else ""
    do = "write them into files of queries with their types, such as $1::interval"
    number = f"{len(queries)} statement{'' if len(queries) == 1 else 's'}"
    what = f"none of {number} can be planned, such as {query.place}{shown}"
    return [f"{what}: {reason_of(error)}; {do}"]


def reason_of(error: Exception) -> str:
    """Return an error's first sentence."""
    return message_of(error) if isinstance(error, psycopg.Error) else str(error)
