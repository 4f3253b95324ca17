"""The check that no row refers to a missing row, by any foreign key or declared relation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from psycopg import sql

from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.database.database_check import A_DATABASE, conclude, counted, database_check, reads_database
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.relations import (
    Relation,
    Suggestion,
    declared_relation,
    foreign_keys,
    suggestions,
)
from switchyard.predeploy.database.table_name import TableName
from switchyard.predeploy.engine.result import Finding, Result
from switchyard.predeploy.engine.subject import Subject

COMPARES_SETS_SINCE = 18
"""The first version of the server that compares sets of keys faster than it probes rows."""
SUGGESTIONS_MAX = 5
"""Suggestions that get a finding each."""


def find_orphans(relation: Relation, reader: Reader, samples: int) -> list[Finding]:
    """Return findings about one relation. Raise ``NotChecked`` where it cannot be checked.

    ``samples`` is the number of keys that a finding shows.
    """
    if not relation.readable:
        raise NotChecked("the role may not read both tables: GRANT pg_read_all_data TO it")
    findings = []
    constraint = f"{relation.name} to {relation.parent}"
    orphans = _count_orphans(relation, reader)
    if orphans:
        keys = "; ".join(reader.rows(sample_query(relation, samples), _key_shown(relation))) if samples else ""
        what = f"{counted(orphans, 'row')} without a parent by {constraint}" + (f": {keys}" if keys else "")
        findings.append(_finding("orphan", what, relation))
    if relation.match_full and len(relation.pairs) > 1:
        partial = reader.value(half_null_query(relation), int) or 0
        if partial:
            what = f"{counted(partial, 'row')} with a key that is null in part by {constraint}, which is MATCH FULL"
            findings.append(_finding("half-null", what, relation))
    return findings


def _count_orphans(relation: Relation, reader: Reader) -> int:
    """Count the orphans in the fastest way.

    From PostgreSQL 18 on, comparing sets of keys takes half the time of probing a hash table with every row. Where an
    index delivers the keys in order, and before 18, counting rows is faster.
    """
    if reader.version >= COMPARES_SETS_SINCE and relation.uses_plain_equality and not relation.has_period:
        plan = reader.rows(sql.SQL("EXPLAIN {}").format(count_query(relation)), str)
        is_hashed = any("Hash" in line and "Anti Join" in line for line in plan)
        if is_hashed and reader.value(missing_keys_query(relation), int) == 0:
            return 0
    return reader.value(count_query(relation), int) or 0


def count_query(relation: Relation) -> sql.Composed:
    """Count the rows that have a complete key and no parent.

    A LIMIT would make the query on a clean table many times slower.
    """
    return sql.SQL("SELECT count(*) {}").format(_orphans(relation))


def missing_keys_query(relation: Relation) -> sql.Composed:
    """Count the distinct keys that have no parent, as a difference of sets."""
    child_keys, parent_keys = (
        sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(column)) for column in columns)
        for alias, columns in (
            ("c", [pair.child for pair in relation.pairs]),
            ("p", [pair.parent for pair in relation.pairs]),
        )
    )
    child, parent = _table(relation.child, relation.child_only), _table(relation.parent, relation.parent_only)
    return sql.SQL("SELECT count(*) FROM (SELECT {} FROM {} c WHERE {} EXCEPT SELECT {} FROM {} p) missing").format(
        child_keys, child, sql.SQL(" AND ").join(_not_null(relation)), parent_keys, parent
    )


def sample_query(relation: Relation, number: int) -> sql.Composed:
    """Select the keys of a few orphans."""
    columns = sql.SQL(", ").join(sql.SQL("c.{}::text").format(sql.Identifier(pair.child)) for pair in relation.pairs)
    return sql.SQL("WITH found AS MATERIALIZED (SELECT {} {}) SELECT * FROM found LIMIT {}").format(
        columns, _orphans(relation), sql.Literal(number)
    )


def half_null_query(relation: Relation) -> sql.Composed:
    """Count the keys that are null in part, which MATCH FULL does not allow."""
    columns = [sql.SQL("c.{}").format(sql.Identifier(pair.child)) for pair in relation.pairs]
    return sql.SQL("SELECT count(*) FROM {} c WHERE num_nulls({}) BETWEEN 1 AND {}").format(
        _table(relation.child, relation.child_only), sql.SQL(", ").join(columns), sql.Literal(len(columns) - 1)
    )


def _orphans(relation: Relation) -> sql.Composed:
    keys = relation.pairs[:-1] if relation.has_period else relation.pairs
    conditions = _not_null(relation)
    if relation.where is not None:
        conditions.append(sql.SQL("({}\n)").format(sql.SQL(relation.where)))
    match = sql.SQL(" AND ").join(
        sql.SQL("p.{} OPERATOR({}) c.{}").format(
            sql.Identifier(pair.parent), sql.SQL(pair.operator), sql.Identifier(pair.child)
        )
        for pair in keys
    )
    parent = _table(relation.parent, relation.parent_only)
    if relation.has_period:
        period = relation.pairs[-1]
        conditions.append(
            sql.SQL("NOT coalesce(c.{} <@ (SELECT pg_catalog.range_agg(p.{}) FROM {} p WHERE {}), false)").format(
                sql.Identifier(period.child), sql.Identifier(period.parent), parent, match
            )
        )
    else:
        conditions.append(sql.SQL("NOT EXISTS (SELECT FROM {} p WHERE {})").format(parent, match))
    child = _table(relation.child, relation.child_only)
    return sql.SQL("FROM {} c WHERE {}").format(child, sql.SQL(" AND ").join(conditions))


def _not_null(relation: Relation) -> list[sql.Composed]:
    return [sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(pair.child)) for pair in relation.pairs]


def _table(name: TableName, only: bool) -> sql.Composed:
    return sql.SQL("{}{}").format(sql.SQL("ONLY " if only else ""), name.identifier)


def _key_shown(relation: Relation) -> Callable[..., str]:
    """Return the function that shows the key of a sampled row."""

    def show(*values: str) -> str:
        return ", ".join(f"{pair.child}={value}" for pair, value in zip(relation.pairs, values, strict=True))

    return show


def _finding(rule: str, what: str, relation: Relation) -> Finding:
    do = "repair or remove these rows: a dump of them cannot be restored with its foreign keys"
    return Finding(rule, what, str(relation.child), do=do, text=f"{rule} {relation.name}")


def _check_orphans(subject: Subject, reader: Reader) -> Result:
    setting = setting_of(subject)
    unchecked: list[str] = []
    relations = foreign_keys(reader)
    for number, declaration in enumerate(setting.relations):
        try:
            relations.append(declared_relation(declaration, number))
        except BadInput as error:
            unchecked.append(str(error))
    relations.sort(key=lambda relation: -relation.rows)

    def check(relation: Relation) -> list[Finding] | str:
        try:
            return find_orphans(relation, reader, setting.samples)
        except NotChecked as error:
            size = f" of about {relation.rows:,.0f} rows" if relation.rows > 0 else ""
            return f"{relation.child}{size} by {relation.name}: {error}"

    findings: list[Finding] = []
    checked = 0
    with ThreadPoolExecutor(reader.width) as pool:
        for result in pool.map(check, relations):
            if isinstance(result, str):
                unchecked.append(result)
            else:
                checked += 1
                findings += result
    scope = counted(len(relations), "relation")
    if checked < len(relations):
        scope = f"{checked} of {scope}"
    likely = suggestions(reader)
    if not unchecked or not relations:
        findings += _suggestion_findings(likely)
    facts = [f"{suggestion.child} to {suggestion.parent}" for suggestion in likely]
    return conclude(findings, unchecked, scope, reader, relations=len(relations), suggestions=facts)


def _suggestion_findings(likely: list[Suggestion]) -> list[Finding]:
    do = "declare it in app.predeploy.database.relations if it is one, or give it a foreign key"
    findings = [
        Finding("suggestion", f"looks like a relation to {parent}", child, do=do, severity="info")
        for child, parent in likely[:SUGGESTIONS_MAX]
    ]
    if len(likely) > SUGGESTIONS_MAX:
        more = f"{len(likely) - SUGGESTIONS_MAX} more look like relations; --json has them all"
        findings.append(Finding("suggestion", more, severity="info"))
    return findings


CHECKS = (
    database_check(
        "orphans",
        "no row refers to a missing row, by any foreign key or declared relation",
        A_DATABASE,
        reads_database(_check_orphans),
        __file__,
    ),
)
