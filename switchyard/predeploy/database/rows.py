"""Whether tables hold what they must: enough rows, new ones, and room for more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg import sql

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.database_check import concluded, counted, reading
from switchyard.predeploy.database.orphans import table
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.target_database import is_empty, setting_of
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject

SOON, FULL = 0.7, 0.9
"""Used shares of a key's numbers: the first is a warning, the second an error."""
_TYPES = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
_EXISTS = "SELECT to_regclass(%s) IS NOT NULL"


def _rows(subject: Subject, reader: Reader) -> Result:
    setting = setting_of(subject)
    if not setting.minimum and not setting.fresh:
        return skipped("set app.predeploy.database.minimum (table to rows) or fresh (table to column and age)")
    if is_empty(subject):
        why = "the embedded database has no rows: set app.predeploy.database.fixture, or look at a real one"
        return concluded([], [why], "nothing", reader)
    looks: list[tuple[str, Callable[[], Finding | None]]] = [
        *((name, lambda name=name, most=most: _minimum(reader, name, most)) for name, most in setting.minimum.items()),
        *(
            (name, lambda name=name, each=each: _fresh(reader, name, each.column, each.within))
            for name, each in setting.fresh.items()
        ),
    ]
    found, unlooked = [], []
    for name, look in looks:
        try:
            found.append(look())
        except NotChecked as error:
            unlooked.append(f"{name}: {error}")
    return concluded([each for each in found if each], unlooked, counted(len(looks), "table"), reader)


def _minimum(reader: Reader, name: str, least: int) -> Finding | None:
    """Exact up to the minimum, at the cost of reading that many rows."""
    missing = _missing(reader, name)
    if missing:
        return missing
    query = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) t").format(
        sql.Identifier(*table(name)), sql.Literal(least)
    )
    number = reader.rows(query)[0][0]
    if number >= least:
        return None
    do = "find out where its rows went, or lower app.predeploy.database.minimum"
    return Finding("minimum-rows", f"{counted(number, 'row')}, at least {least} are needed", name, do=do, text=name)


def _fresh(reader: Reader, name: str, column: str, within: int) -> Finding | None:
    """Rows of the future say nothing of when one was last written. A time without a zone is one of the role's."""
    missing = _missing(reader, name)
    if missing:
        return missing
    query = sql.SQL(
        "SELECT extract(epoch FROM now() - max({0})::timestamptz)::bigint FROM {1} WHERE {0} <= now()"
    ).format(sql.Identifier(column), sql.Identifier(*table(name)))
    age = reader.read(query, own=True)[1][0][0]
    do = "find out what stopped writing, or raise app.predeploy.database.fresh"
    if age is None:
        return Finding("fresh-rows", f"no row with a {column} before now", name, do=do, text=name)
    if age <= within:
        return None
    return Finding(
        "fresh-rows", f"the newest {column} is {age} s old, at most {within} s are allowed", name, do=do, text=name
    )


def _missing(reader: Reader, name: str) -> Finding | None:
    quoted = sql.Identifier(*table(name)).as_string(None)
    if reader.rows(_EXISTS, [quoted])[0][0]:
        return None
    do = "name it as schema.table in app.predeploy.database, or find out where it went"
    return Finding("no-table", "there is no such table", name, do=do)


# Columns of integers that count up: by a sequence of their own (serial, identity), by one that a default names, or as
# a primary key without any. Partitions count in their root.
_KEYS = """
SELECT n.nspname, c.relname, a.attname, format_type(coalesce(y.oid, a.atttypid), NULL), s.nspname, s.relname,
       q.seqmax, q.seqmin, q.seqincrement, q.seqcycle, pg_sequence_last_value(q.seqrelid),
       has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT'),
       q.seqrelid IS NULL OR has_sequence_privilege(q.seqrelid, 'SELECT') AND has_schema_privilege(s.oid, 'USAGE')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN (SELECT y.oid AS domain, b.oid FROM pg_type y JOIN pg_type b ON b.oid = y.typbasetype
              WHERE y.typtype = 'd') y ON y.domain = a.atttypid
  LEFT JOIN LATERAL (
       SELECT sc.oid AS sequence, sc.relname, sn.nspname, sn.oid
         FROM pg_depend d
         JOIN pg_class sc ON sc.oid = d.objid AND sc.relkind = 'S'
         JOIN pg_namespace sn ON sn.oid = sc.relnamespace
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
        UNION
       SELECT sc.oid, sc.relname, sn.nspname, sn.oid
         FROM pg_attrdef f
         JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
          AND d.refclassid = 'pg_class'::regclass
         JOIN pg_class sc ON sc.oid = d.refobjid AND sc.relkind = 'S'
         JOIN pg_namespace sn ON sn.oid = sc.relnamespace
        WHERE f.adrelid = c.oid AND f.adnum = a.attnum
        LIMIT 1
       ) s ON true
  LEFT JOIN pg_sequence q ON q.seqrelid = s.sequence
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND coalesce(y.oid, a.atttypid) IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
   AND (s.sequence IS NOT NULL
        OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1
                      AND i.indkey[0] = a.attnum))
 ORDER BY 1, 2, 3
"""


# Sequences that the application asks by name: no column owns them, and no default names them.
_FREE = """
SELECT n.nspname || '.' || c.relname, q.seqmax, q.seqmin, q.seqincrement < 0, pg_sequence_last_value(c.oid),
       has_sequence_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
  FROM pg_sequence q
  JOIN pg_class c ON c.oid = q.seqrelid AND c.relpersistence <> 't'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT q.seqcycle AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.deptype IN ('a', 'i', 'e'))
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_attrdef'::regclass
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
 ORDER BY 1
"""


def _sequences(subject: Subject, reader: Reader) -> Result:
    found, unlooked, looked = sequences(reader)
    return concluded(found, unlooked, looked, reader)


def sequences(reader: Reader) -> tuple[list[Finding], list[str], str]:
    """What is wrong with keys and sequences that count up, which could not be looked at, and how many were."""
    found: list[Finding] = []
    unlooked: list[str] = []
    keys, free = reader.rows(_KEYS), reader.rows(_FREE)
    for key in keys:
        place = f"{key[0]}.{key[1]}.{key[2]}"
        try:
            found += _key(reader, place, key)
        except NotChecked as error:
            unlooked.append(f"{place}: {error}")
    for place, most, least, down, last, may in free:
        if may:
            found += _room(place, -last if last and down else last, -least if down else most, "the sequence", FREE_DO)
        else:
            unlooked.append(f"{place}: the role may not read the sequence: GRANT pg_read_all_data TO it")
    beside = f", {counted(len(free), 'sequence')} beside them" if free else ""
    return found, unlooked, counted(len(keys), "key") + beside


def _key(reader: Reader, place: str, key: tuple[Any, ...]) -> list[Finding]:
    schema, name, column, kind, sequence_schema, sequence, most, least, step, cycles, last, *may = key
    if not all(may):
        raise NotChecked("the role may not read the table and its sequence: GRANT pg_read_all_data TO it")
    found = []
    highest, lowest = _ends(reader, schema, name, column)
    if sequence is None:
        return _room(place, highest, _TYPES[kind], "the highest key")
    quoted = f"{sequence_schema}.{sequence}"
    down = step < 0
    if not cycles:
        limit = min(most, _TYPES[kind]) if not down else min(-least, _TYPES[kind] + 1)
        used = None if last is None else (-last if down else last)
        found += _room(place, used, limit, f"sequence {quoted}")
    reached = lowest if down else highest
    if reached is not None and not cycles:
        behind = last is None or (last > reached if down else last < reached)
        starts = reached < 0 if down else reached > 0
        if behind and starts:
            at = "was never used" if last is None else f"is at {last}"
            what = f"sequence {quoted} {at}, but a row has {reached}: an insert will collide"
            do = f"SELECT setval('{quoted}', {reached})"
            found.append(Finding("sequence-behind", what, place, do=do, text=quoted))
    return found


def _ends(reader: Reader, schema: str, name: str, column: str) -> tuple[int | None, int | None]:
    query = sql.SQL("SELECT max({0}), min({0}) FROM {1}").format(sql.Identifier(column), sql.Identifier(schema, name))
    highest, lowest = reader.rows(query)[0]
    return highest, lowest


KEY_DO = "make the column bigint (in steps: a new column, filled, then swapped) before inserts fail"
FREE_DO = "ALTER SEQUENCE … AS bigint, and widen what takes its numbers, before it ends"


def _room(place: str, used: int | None, limit: int, what: str, do: str = KEY_DO) -> list[Finding]:
    share = (used or 0) / limit
    if share < SOON:
        return []
    severity = "error" if share >= FULL else "warn"
    words = f"{what} has used {share:.1%} of {limit:,}"
    return [Finding("sequence-room", words, place, do=do, severity=severity, text=what)]


CHECKS = (
    Check(
        "rows",
        "database",
        "critical tables hold enough rows, and new ones",
        "app.predeploy.database.minimum or fresh",
        reading(_rows),
        Path(__file__),
        lasts=never,
    ),
    Check(
        "sequences",
        "database",
        "no key comes near its last number, and no sequence is behind the rows",
        "a database, or migrations that build one",
        reading(_sequences),
        Path(__file__),
        lasts=never,
    ),
)
