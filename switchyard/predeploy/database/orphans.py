"""Rows that name a row which is not there: for every foreign key, and for relations that have no constraint."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.database import syntax_tree
from switchyard.predeploy.database.database_check import concluded, counted, reading
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.target_database import setting_of
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import RelationSetting

SETS_SINCE = 18
"""The first version whose sets of keys are quicker."""
SUGGESTED = 5
"""Suggestions that are told one by one."""


@dataclass(frozen=True)
class Relation:
    """Columns of a child that name a row of a parent."""

    name: str
    """The constraint, or what the settings say."""
    child: tuple[str, str]
    """Schema and table."""
    parent: tuple[str, str]
    pairs: tuple[tuple[str, str, str], ...]
    """The child's column, the parent's, and the operator between parent and child, written with its schema."""
    child_only: bool = False
    """Whether rows of tables that inherit from it do not count; a partitioned table's always do."""
    parent_only: bool = False
    full: bool = False
    """MATCH FULL: a key that is null in part is a violation too."""
    period: bool = False
    """Whether the last pair is of periods: the parents' together must cover the child's."""
    plain: bool = False
    """Whether its keys are equal by the types' own operators on either side, so that sets of them can be compared."""
    where: str | None = None
    rows: float = 0
    """How many rows the child has, as the server guesses."""
    readable: bool = True

    @property
    def place(self) -> str:
        """The child, for people."""
        return ".".join(self.child)


# A row of pg_constraint for each pair of partitions stands below the one that was declared: those have a parent.
_CONSTRAINTS = """
SELECT k.conname, n.nspname, c.relname, pn.nspname, p.relname, c.relkind = 'r', p.relkind = 'r', k.confmatchtype = 'f',
       (SELECT array_agg(ARRAY[a.attname, b.attname, format('%I.%s', opn.nspname, op.oprname)]::text[] ORDER BY i)
          FROM generate_subscripts(k.conkey, 1) i
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[i]
          JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[i]
          JOIN pg_operator op ON op.oid = k.conpfeqop[i]
          JOIN pg_namespace opn ON opn.oid = op.oprnamespace),
       (SELECT coalesce(sum(greatest(leaf.reltuples, leaf.relpages)), 0)
          FROM pg_class leaf
         WHERE leaf.oid = c.oid OR leaf.oid IN (SELECT relid FROM pg_partition_tree(c.oid))),
       has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(pn.oid, 'USAGE')
           AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(p.oid, 'SELECT'),
       coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false),
       (SELECT bool_and(op.oprname = '=' AND op.oprnamespace = 'pg_catalog'::regnamespace AND a.atttypid = b.atttypid
                        AND op.oprleft = op.oprright AND a.attcollation = b.attcollation)
          FROM generate_subscripts(k.conkey, 1) i
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[i]
          JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[i]
          JOIN pg_operator op ON op.oid = k.conpfeqop[i])
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class p ON p.oid = k.confrelid
  JOIN pg_namespace pn ON pn.oid = p.relnamespace
 WHERE k.contype = 'f'
   AND k.conparentid = 0
   AND n.nspname !~ '^pg_'
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
"""

_SUGGESTIONS = """
WITH keys AS (
    SELECT c.oid, n.nspname, c.relname, a.attname, a.atttypid
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE i.indisprimary AND i.indnkeyatts = 1 AND NOT c.relispartition AND n.nspname !~ '^pg_'
)
SELECT format('%I.%I (%I)', n.nspname, c.relname, a.attname), format('%I.%I (%I)', k.nspname, k.relname, k.attname)
  FROM keys k
  JOIN pg_attribute a ON a.atttypid = k.atttypid AND a.attnum > 0 AND NOT a.attisdropped AND a.attrelid <> k.oid
   AND (a.attname = k.attname AND k.attname <> 'id'
        OR k.attname = 'id' AND a.attname IN (k.relname || '_id', regexp_replace(k.relname, 's$', '') || '_id'))
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
   AND NOT EXISTS (SELECT FROM pg_constraint f
                    WHERE f.contype = 'f' AND f.conrelid = c.oid AND a.attnum = ANY (f.conkey))
 ORDER BY 1, 2
"""


def relations(reader: Reader) -> list[Relation]:
    """Every foreign key of the catalog, enforced or not, validated or not."""
    found = []
    for name, *names, child_only, parent_only, full, pairs, rows, readable, period, plain in reader.rows(_CONSTRAINTS):
        child, parent = (names[0], names[1]), (names[2], names[3])
        three = tuple((a, b, operator) for a, b, operator in pairs)
        found.append(
            Relation(
                name,
                child,
                parent,
                three,
                child_only,
                parent_only,
                full,
                period,
                plain,
                rows=float(rows),
                readable=readable,
            )
        )
    return found


def declared(setting: RelationSetting, number: int) -> Relation:
    """A relation of the settings. Raises ``BadInput`` where it is none."""
    where = f"app.predeploy.database.relations[{number}]"
    if len(setting.columns) != len(setting.parent_columns):
        raise BadInput(f"{where}: columns and parent_columns differ in number")
    if setting.where is not None:
        try:
            syntax_tree.require_only_reading(f"SELECT 1 WHERE ({setting.where}\n)")
        except syntax_tree.NotOnlyReading as error:
            raise BadInput(f"{where}.where: {error}") from None
    pairs = tuple(
        (column, other, "pg_catalog.=") for column, other in zip(setting.columns, setting.parent_columns, strict=True)
    )
    name = f"{setting.child} ({', '.join(setting.columns)})"
    return Relation(name, table(setting.child), table(setting.parent), pairs, where=setting.where)


def table(name: str) -> tuple[str, str]:
    """``schema.table``, or a table of the schema public."""
    schema, _, rest = name.partition(".")
    return (schema, rest) if rest else ("public", name)


def count(relation: Relation) -> sql.Composed:
    """How many rows have a whole key and no parent. A LIMIT here would make a clean table many times slower."""
    return sql.SQL("SELECT count(*) {}").format(_orphaned(relation))


def missing(relation: Relation) -> sql.Composed:
    """How many keys have no parent: the same question, asked of sets of keys."""
    own, theirs = (
        sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(pair[at])) for pair in relation.pairs)
        for alias, at in (("c", 0), ("p", 1))
    )
    whole = sql.SQL(" AND ").join(
        sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(pair[0])) for pair in relation.pairs
    )
    child, parent = _table(relation.child, relation.child_only), _table(relation.parent, relation.parent_only)
    return sql.SQL("SELECT count(*) FROM (SELECT {} FROM {} c WHERE {} EXCEPT SELECT {} FROM {} p) missing").format(
        own, child, whole, theirs, parent
    )


def _count(relation: Relation, reader: Reader) -> int:
    """The orphans of a relation, by the quickest way.

    From PostgreSQL 18 on a set of keys is compared twice as quickly as a hash of all rows is probed; where an index
    gives the keys in order, the rows are quicker. Before 18 the rows always are.
    """
    if reader.version >= SETS_SINCE and relation.plain and not relation.period:
        plan = reader.rows(sql.SQL("EXPLAIN {}").format(count(relation)))
        hashed = any("Hash" in line and "Anti Join" in line for (line,) in plan)
        if hashed and reader.rows(missing(relation)) == [(0,)]:
            return 0
    return int(reader.rows(count(relation))[0][0])


def sample(relation: Relation, most: int) -> sql.Composed:
    """The keys of a few of them."""
    columns = sql.SQL(", ").join(sql.SQL("c.{}::text").format(sql.Identifier(pair[0])) for pair in relation.pairs)
    return sql.SQL("WITH found AS MATERIALIZED (SELECT {} {}) SELECT * FROM found LIMIT {}").format(
        columns, _orphaned(relation), sql.Literal(most)
    )


def half_null(relation: Relation) -> sql.Composed:
    """How many keys are null in part, which MATCH FULL does not allow."""
    columns = [sql.SQL("c.{}").format(sql.Identifier(pair[0])) for pair in relation.pairs]
    return sql.SQL("SELECT count(*) FROM {} c WHERE num_nulls({}) BETWEEN 1 AND {}").format(
        _table(relation.child, relation.child_only), sql.SQL(", ").join(columns), sql.Literal(len(columns) - 1)
    )


def _orphaned(relation: Relation) -> sql.Composed:
    keys = relation.pairs[:-1] if relation.period else relation.pairs
    conditions = [sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(pair[0])) for pair in relation.pairs]
    if relation.where is not None:
        conditions.append(sql.SQL("({}\n)").format(sql.SQL(relation.where)))
    match = sql.SQL(" AND ").join(
        sql.SQL("p.{} OPERATOR({}) c.{}").format(sql.Identifier(other), sql.SQL(operator), sql.Identifier(column))
        for column, other, operator in keys
    )
    parent = _table(relation.parent, relation.parent_only)
    if relation.period:
        column, other, _ = relation.pairs[-1]
        conditions.append(
            sql.SQL("NOT coalesce(c.{} <@ (SELECT pg_catalog.range_agg(p.{}) FROM {} p WHERE {}), false)").format(
                sql.Identifier(column), sql.Identifier(other), parent, match
            )
        )
    else:
        conditions.append(sql.SQL("NOT EXISTS (SELECT FROM {} p WHERE {})").format(parent, match))
    child = _table(relation.child, relation.child_only)
    return sql.SQL("FROM {} c WHERE {}").format(child, sql.SQL(" AND ").join(conditions))


def _table(name: tuple[str, str], only: bool) -> sql.Composed:
    return sql.SQL("{}{}").format(sql.SQL("ONLY " if only else ""), sql.Identifier(*name))


def look(relation: Relation, reader: Reader, samples: int) -> list[Finding]:
    """The orphans of one relation. Raises ``NotChecked`` where it cannot be looked at."""
    if not relation.readable:
        raise NotChecked("the role may not read both tables: GRANT pg_read_all_data TO it")
    found = []
    number = _count(relation, reader)
    where = f"{relation.name} to {'.'.join(relation.parent)}"
    if number:
        shown = reader.rows(sample(relation, samples)) if samples else []
        keys = "; ".join(_key(relation, row) for row in shown)
        what = f"{counted(number, 'row')} without a parent by {where}" + (f": {keys}" if keys else "")
        found.append(_finding("orphan", what, relation))
    if relation.full and len(relation.pairs) > 1 and (number := reader.rows(half_null(relation))[0][0]):
        what = f"{counted(number, 'row')} with a key that is null in part by {where}, which is MATCH FULL"
        found.append(_finding("half-null", what, relation))
    return found


def _key(relation: Relation, row: tuple[str, ...]) -> str:
    return ", ".join(f"{pair[0]}={value}" for pair, value in zip(relation.pairs, row, strict=True))


def _finding(rule: str, what: str, relation: Relation) -> Finding:
    do = "repair or remove these rows: a dump of them cannot be restored with its foreign keys"
    return Finding(rule, what, relation.place, do=do, text=f"{rule} {relation.name}")


def _run(subject: Subject, reader: Reader) -> Result:
    setting = setting_of(subject)
    unlooked: list[str] = []
    found = relations(reader)
    for number, each in enumerate(setting.relations):
        try:
            found.append(declared(each, number))
        except BadInput as error:
            unlooked.append(str(error))
    found.sort(key=lambda relation: -relation.rows)

    def attempt(relation: Relation) -> list[Finding] | str:
        try:
            return look(relation, reader, setting.samples)
        except NotChecked as error:
            size = f" of about {relation.rows:,.0f} rows" if relation.rows > 0 else ""
            return f"{relation.place}{size} by {relation.name}: {error}"

    findings: list[Finding] = []
    with ThreadPoolExecutor(reader.width) as pool:
        for result in pool.map(attempt, found):
            if isinstance(result, str):
                unlooked.append(result)
            else:
                findings += result
    done = len(found) - sum(1 for each in unlooked if not each.startswith("app."))
    looked = f"{done} of {counted(len(found), 'relation')}" if done < len(found) else counted(len(found), "relation")
    suggested = reader.rows(_SUGGESTIONS)
    if not unlooked or not found:
        findings += _suggestions(suggested)
    facts = {"relations": len(found), "suggestions": [f"{child} to {parent}" for child, parent in suggested]}
    return concluded(findings, unlooked, looked, reader, **facts)


def _suggestions(suggested: list[tuple[str, str]]) -> list[Finding]:
    do = "declare it in app.predeploy.database.relations if it is one, or give it a foreign key"
    told = [
        Finding("suggestion", f"looks like a relation to {parent}", child, do=do, severity="info")
        for child, parent in suggested[:SUGGESTED]
    ]
    if len(suggested) > SUGGESTED:
        more = f"{len(suggested) - SUGGESTED} more look like relations; --json has them all"
        told.append(Finding("suggestion", more, severity="info"))
    return told


CHECKS = (
    Check(
        "orphans",
        "database",
        "no row names a row that is not there, by any foreign key or declared relation",
        "a database, or migrations that build one",
        reading(_run),
        Path(__file__),
        lasts=never,
    ),
)
