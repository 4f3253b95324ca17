"""What a schema is made of, object by object, and how two of them differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

SPELLING = {"search_path": "", "timezone": "UTC", "datestyle": "ISO, MDY", "intervalstyle": "postgres"}
"""Settings of a session on which it depends how a server writes an object down."""
# Of a partition only its place is told: applications make them as they go. Members of extensions are left out, and
# temporary tables, and the columns' NOT NULL constraints, which only PostgreSQL 18 lists beside the columns' own flag.
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
Key = tuple[str, str, str]
"""Kind, the table that it belongs to or nothing, and name."""


@dataclass(frozen=True)
class Difference:
    """One object that is not as it should be."""

    how: str
    """missing, extra or changed."""
    kind: str
    owner: str
    name: str
    should: str = ""
    is_: str = ""

    @property
    def place(self) -> str:
        """The table, or the object itself."""
        return self.owner or self.name

    def __str__(self) -> str:
        named = f"{self.kind} {self.name}" if self.owner else f"the {self.kind}"
        if self.how == "changed":
            return f"{named} is changed: {short(self.is_)}; it should be: {short(self.should)}"
        return f"{named} is {self.how}" + (f": {short(self.is_ or self.should)}" if self.is_ or self.should else "")


def differences(should: Mapping[Key, str], found: Mapping[Key, str], ignored: Collection[str] = ()) -> list[Difference]:
    """Object by object; what belongs to a table that is missing or extra is not told beside it.

    A partition may come and go, but is where it was made to be.
    """
    keys = sorted(should.keys() | found.keys())
    whole = {key[2] for key in keys if not key[1] and (key in should) != (key in found)}
    told = []
    for key in keys:
        kind, owner, name = key
        if owner in whole or owner in ignored or (not owner and name in ignored) or should.get(key) == found.get(key):
            continue
        if kind == PARTITION and (key not in found or key not in should):
            continue
        how = "missing" if key not in found else "extra" if key not in should else "changed"
        told.append(Difference(how, kind, owner, name, should.get(key, ""), found.get(key, "")))
    return told


def short(text: str) -> str:
    """A text on one line that people still read."""
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:157]}…"
