"""The fingerprint of a schema: the definition of each of its objects, and how two schemas differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from switchyard.control import terminal
from switchyard.predeploy.database.connection import CANONICAL_SETTINGS, fetch
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_server import ReferenceDatabase

# Of a partition only its place counts, because applications create and drop partitions as they run. Members of
# extensions and temporary tables do not count, nor do NOT NULL constraints: only PostgreSQL 18 lists them beside a
# column's flag.
QUERY = """
WITH spaces AS (
    SELECT oid, nspname
      FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
       AND NOT current_setting('switchyard.ignored')::jsonb ? (nspname || '.*')
), members AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), tables AS (
    SELECT c.*, n.nspname, n.nspname || '.' || c.relname AS named
      FROM pg_class c
      JOIN spaces n ON n.oid = c.relnamespace
     WHERE NOT c.relispartition AND c.relpersistence <> 't'
       AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_class'::regclass AND objid = c.oid)
       AND NOT current_setting('switchyard.ignored')::jsonb ? (n.nspname || '.' || c.relname)
)
SELECT 'schema' AS kind, '' AS owner, nspname AS name, '' AS is FROM spaces
 WHERE NOT EXISTS (SELECT FROM members WHERE classid = 'pg_namespace'::regclass AND objid = spaces.oid)
UNION ALL
SELECT CASE relkind WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END, '', named,
       concat_ws(', ', CASE relpersistence WHEN 'u' THEN 'unlogged' END,
                 CASE relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(oid) END,
                 (SELECT 'inherits ' || string_agg(m.nspname || '.' || p.relname, ', ' ORDER BY i.inhseqno)
                    FROM pg_inherits i
                    JOIN pg_class p ON p.oid = i.inhparent
                    JOIN pg_namespace m ON m.oid = p.relnamespace
                   WHERE i.inhrelid = tables.oid),
                 CASE WHEN relrowsecurity THEN 'row security' END, CASE WHEN relforcerowsecurity THEN 'forced' END)
  FROM tables WHERE relkind IN ('r', 'p', 'f', 'c')
UNION ALL
SELECT 'partition', '', n.nspname || '.' || c.relname,
       concat_ws(' ', 'of', m.nspname || '.' || p.relname, pg_get_expr(c.relpartbound, c.oid),
                 'partitioned by ' || pg_get_partkeydef(c.oid))
  FROM pg_class c
  JOIN spaces n ON n.oid = c.relnamespace
  JOIN pg_inherits i ON i.inhrelid = c.oid
  JOIN pg_class p ON p.oid = i.inhparent
  JOIN pg_namespace m ON m.oid = p.relnamespace
 WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f')
   AND NOT current_setting('switchyard.ignored')::jsonb ? (n.nspname || '.' || c.relname)
UNION ALL
SELECT CASE relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, '', named, pg_get_viewdef(oid)
  FROM tables WHERE relkind IN ('v', 'm')
UNION ALL
SELECT 'column', t.named, a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                 CASE a.attidentity WHEN 'a' THEN 'identity' WHEN 'd' THEN 'identity by default' END,
                 CASE WHEN a.attgenerated = 'v' THEN 'virtual' END,
                 CASE WHEN a.attgenerated <> '' THEN 'generated' WHEN d.oid IS NOT NULL THEN 'default' END,
                 pg_get_expr(d.adbin, d.adrelid),
                 CASE WHEN a.attcollation NOT IN (0, y.typcollation) THEN 'collate ' || o.collname END)
  FROM tables t
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_collation o ON o.oid = a.attcollation
 WHERE t.relkind IN ('r', 'p', 'f', 'c')
UNION ALL
SELECT 'constraint', t.named, k.conname, pg_get_constraintdef(k.oid)
  FROM tables t
  JOIN pg_constraint k ON k.conrelid = t.oid
 WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conparentid = 0
UNION ALL
SELECT 'index', t.named, x.relname, pg_get_indexdef(i.indexrelid)
  FROM tables t
  JOIN pg_index i ON i.indrelid = t.oid
  JOIN pg_class x ON x.oid = i.indexrelid
 WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger', t.named, g.tgname,
       pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' ' || g.tgenabled::text END
  FROM tables t
  JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgparentid = 0
UNION ALL
SELECT 'rule', t.named, r.rulename, pg_get_ruledef(r.oid)
  FROM tables t
  JOIN pg_rewrite r ON r.ev_class = t.oid AND r.rulename <> '_RETURN'
UNION ALL
SELECT 'policy', t.named, p.polname,
       concat_ws(' ', p.polcmd, p.polpermissive,
                 (SELECT string_agg(coalesce(r.rolname, 'public'), ',' ORDER BY r.rolname)
                    FROM unnest(p.polroles) u LEFT JOIN pg_roles r ON r.oid = u),
                 pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  FROM tables t
  JOIN pg_policy p ON p.polrelid = t.oid
UNION ALL
SELECT 'sequence', '', t.named,
       format('%s, by %s from %s to %s%s', format_type(q.seqtypid, NULL), q.seqincrement, q.seqmin, q.seqmax,
              CASE WHEN q.seqcycle THEN ', cycling' ELSE '' END)
  FROM tables t
  JOIN pg_sequence q ON q.seqrelid = t.oid
 WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid
                      AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, '',
       format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
       CASE WHEN p.prokind = 'a' THEN '' ELSE pg_get_functiondef(p.oid) END
  FROM pg_proc p
  JOIN spaces n ON n.oid = p.pronamespace
 WHERE NOT EXISTS (SELECT FROM members WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
UNION ALL
SELECT CASE y.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'range' END, '', n.nspname || '.' || y.typname,
       CASE y.typtype
           WHEN 'e' THEN (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                            FROM pg_enum e WHERE e.enumtypid = y.oid)
           WHEN 'd' THEN concat_ws(' ', format_type(y.typbasetype, y.typtypmod),
                                   CASE WHEN y.typnotnull THEN 'not null' END, y.typdefault,
                                   (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname)
                                                    FROM pg_constraint k WHERE k.contypid = y.oid AND k.contype = 'c'))
           ELSE (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = y.oid)
       END
  FROM pg_type y
  JOIN spaces n ON n.oid = y.typnamespace
 WHERE y.typtype IN ('e', 'd', 'r')
   AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_type'::regclass AND objid = y.oid)
UNION ALL
SELECT 'extension', '', extname, ''
  FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE NOT current_setting('switchyard.ignored')::jsonb ? (n.nspname || '.*')
"""

PARTITION = "partition"
SHOWN_CHARACTERS_MAX = 160


class ObjectKey(NamedTuple):
    """What names an object."""

    kind: str
    owner: str
    """The table that the object belongs to; empty for a table and for what stands by itself."""
    name: str


Fingerprint: TypeAlias = Mapping[ObjectKey, str]
"""The definition of each object, in the server's words."""


@dataclass(frozen=True)
class Difference:
    """One object that differs from the reference."""

    how: Literal["missing", "extra", "changed"]
    key: ObjectKey
    expected: str = ""
    actual: str = ""

    @property
    def place(self) -> str:
        """The table, or the object itself."""
        return self.key.owner or self.key.name

    def __str__(self) -> str:
        subject = f"{self.key.kind} {self.key.name}" if self.key.owner else f"the {self.key.kind}"
        if self.how == "changed":
            return f"{subject} is changed: {shortened(self.actual)}; it should be: {shortened(self.expected)}"
        definition = self.actual or self.expected
        return f"{subject} is {self.how}" + (f": {shortened(definition)}" if definition else "")


def read_fingerprint(reader: Reader) -> Fingerprint:
    """Return the fingerprint of the database that is checked."""
    return dict(reader.rows(QUERY, _entry))


def fingerprint_of(database: ReferenceDatabase, variables: Mapping[str, str]) -> Fingerprint:
    """Return the fingerprint of a reference database. ``variables`` say which tables to leave out."""
    with database.open() as connection:
        for name, value in {**variables, **CANONICAL_SETTINGS}.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        return dict(fetch(connection, QUERY, _entry))


def _entry(kind: str, owner: str, name: str, definition: str | None) -> tuple[ObjectKey, str]:
    return ObjectKey(kind, owner, name), definition or ""


def differences(expected: Fingerprint, actual: Fingerprint, ignored: Collection[str] = ()) -> list[Difference]:
    """Compare two schemas object by object.

    What belongs to a missing or an extra table gets no difference of its own. A partition may come and go, but where it
    exists its bounds must be the same.
    """
    keys = sorted(expected.keys() | actual.keys())
    whole = {key.name for key in keys if not key.owner and (key in expected) != (key in actual)}
    result = []
    for key in keys:
        is_ignored = key.owner in ignored or (not key.owner and key.name in ignored)
        if key.owner in whole or is_ignored or expected.get(key) == actual.get(key):
            continue
        if key.kind == PARTITION and (key not in actual or key not in expected):
            continue
        how: Literal["missing", "extra", "changed"] = "changed"
        if key not in actual:
            how = "missing"
        elif key not in expected:
            how = "extra"
        result.append(Difference(how, key, expected.get(key, ""), actual.get(key, "")))
    return result


def shortened(text: str) -> str:
    """Return a text on one line, without secrets, and then cut to a length that people still read."""
    text = " ".join(terminal.shown(text).split())
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[: SHOWN_CHARACTERS_MAX - 3]}…"
