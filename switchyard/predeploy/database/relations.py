"""Relations between tables: the foreign keys of the catalog, those that the settings declare, and likely ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from switchyard.core.errors import BadInput
from switchyard.predeploy.database.read_only import require_read_only
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.syntax_tree import RefusedSql
from switchyard.predeploy.database.table_name import TableName, table_name
from switchyard.settings.predeploy import RelationSetting


class ColumnPair(NamedTuple):
    """A column of the child, the parent's column that it refers to, and how the server compares the two."""

    child: str
    parent: str
    operator: str
    """Stands between the parent and the child; has its schema."""


@dataclass(frozen=True)
class Relation:
    """Columns of a child that refer to a row of a parent."""

    name: str
    """The constraint, or what the settings declare."""
    child: TableName
    parent: TableName
    pairs: tuple[ColumnPair, ...]
    child_only: bool = False
    """Whether rows of tables that inherit from the child do not count. Those of partitions always do."""
    parent_only: bool = False
    match_full: bool = False
    """MATCH FULL: a key that is null in part is a violation too."""
    has_period: bool = False
    """Whether the last pair is of periods: those of the parents together must cover the child's."""
    uses_plain_equality: bool = False
    """Whether both sides have one type and compare by its own operator, so that sets of keys can be compared."""
    where: str | None = None
    rows: float = 0
    """The server's estimate of the child's rows."""
    readable: bool = True


class _ForeignKey(NamedTuple):
    """A row of the query for foreign keys."""

    name: str
    child_schema: str
    child: str
    parent_schema: str
    parent: str
    child_only: bool
    parent_only: bool
    match_full: bool
    pairs: Sequence[Sequence[str]]
    rows: float
    readable: bool
    has_period: bool
    uses_plain_equality: bool


class Suggestion(NamedTuple):
    """A column that looks like a relation and has no foreign key. Both are ``schema.table (column)``."""

    child: str
    parent: str


# pg_constraint also has a row for each pair of partitions; those have a parent.
_FOREIGN_KEYS = """
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


def foreign_keys(reader: Reader) -> list[Relation]:
    """Return every foreign key of the catalog, also those that are not enforced or not validated."""
    return [
        Relation(
            key.name,
            TableName(key.child_schema, key.child),
            TableName(key.parent_schema, key.parent),
            tuple(ColumnPair(*pair) for pair in key.pairs),
            key.child_only,
            key.parent_only,
            key.match_full,
            key.has_period,
            key.uses_plain_equality,
            rows=float(key.rows),
            readable=key.readable,
        )
        for key in reader.rows(_FOREIGN_KEYS, _ForeignKey)
    ]


def declared_relation(setting: RelationSetting, number: int) -> Relation:
    """Return a relation of the settings. Raise ``BadInput`` where it is not valid. ``number`` counts from 0."""
    place = f"app.predeploy.database.relations[{number}]"
    if len(setting.columns) != len(setting.parent_columns):
        raise BadInput(f"{place}: columns and parent_columns differ in number")
    if setting.where is not None:
        try:
            require_read_only(f"SELECT 1 WHERE ({setting.where}\n)")
        except RefusedSql as error:
            raise BadInput(f"{place}.where: {error}") from None
    columns = zip(setting.columns, setting.parent_columns, strict=True)
    pairs = tuple(ColumnPair(child, parent, "pg_catalog.=") for child, parent in columns)
    name = f"{setting.child} ({', '.join(setting.columns)})"
    return Relation(name, table_name(setting.child), table_name(setting.parent), pairs, where=setting.where)


def suggestions(reader: Reader) -> list[Suggestion]:
    """Return columns whose name and type say that they refer to another table's primary key."""
    return reader.rows(_SUGGESTIONS, Suggestion)
