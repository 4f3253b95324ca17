"""The check that no key runs out of numbers, and that no sequence is behind the rows."""

from __future__ import annotations

from typing import NamedTuple

from psycopg import sql

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.database_check import A_DATABASE, conclude, counted, database_check, reads_database
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.engine.result import Finding, Result
from switchyard.predeploy.engine.subject import Subject

WARN_SHARE, ERROR_SHARE = 0.7, 0.9
"""Shares of a key's numbers that are used up."""
_MAXIMA = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
WIDEN_KEY = "make the column bigint (in steps: a new column, filled, then swapped) before inserts fail"
WIDEN_SEQUENCE = "ALTER SEQUENCE … AS bigint, and widen what takes its numbers, before it ends"


class Key(NamedTuple):
    """A column of integers that count up, and its sequence; the sequence's fields are None where it has none."""

    schema: str
    table: str
    column: str
    type: str
    sequence_schema: str | None
    sequence: str | None
    maximum: int | None
    minimum: int | None
    increment: int | None
    cycles: bool | None
    last: int | None
    """The sequence's last number; None before its first."""
    table_readable: bool
    sequence_readable: bool

    @property
    def place(self) -> str:
        """The column, for messages."""
        return f"{self.schema}.{self.table}.{self.column}"


class FreeSequence(NamedTuple):
    """A sequence that belongs to no column."""

    place: str
    maximum: int
    minimum: int
    descends: bool
    last: int | None
    readable: bool


# A column counts up by a sequence of its own (serial, identity), by one that its default names, or as a primary key
# without any. Partitions count in their root.
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


def _check_sequences(subject: Subject, reader: Reader) -> Result:
    findings, unchecked, scope = sequence_findings(reader)
    return conclude(findings, unchecked, scope, reader)


def sequence_findings(reader: Reader) -> tuple[list[Finding], list[str], str]:
    """Return findings about keys and sequences, the ones that could not be checked, and how many there are."""
    findings: list[Finding] = []
    unchecked: list[str] = []
    keys, sequences = reader.rows(_KEYS, Key), reader.rows(_FREE, FreeSequence)
    for key in keys:
        try:
            findings += _key_findings(reader, key)
        except NotChecked as error:
            unchecked.append(f"{key.place}: {error}")
    for sequence in sequences:
        if sequence.readable:
            used = -sequence.last if sequence.last and sequence.descends else sequence.last
            limit = -sequence.minimum if sequence.descends else sequence.maximum
            findings += _room(sequence.place, used, limit, "the sequence", WIDEN_SEQUENCE)
        else:
            unchecked.append(f"{sequence.place}: the role may not read the sequence: GRANT pg_read_all_data TO it")
    beside = f", {counted(len(sequences), 'sequence')} beside them" if sequences else ""
    return findings, unchecked, counted(len(keys), "key") + beside


def _key_findings(reader: Reader, key: Key) -> list[Finding]:
    if not (key.table_readable and key.sequence_readable):
        raise NotChecked("the role may not read the table and its sequence: GRANT pg_read_all_data TO it")
    highest, lowest = _range(reader, key)
    maximum = _MAXIMA[key.type]
    if key.sequence is None or key.maximum is None or key.minimum is None or key.increment is None:
        return _room(key.place, highest, maximum, "the highest key")
    if key.cycles:
        return []
    name = f"{key.sequence_schema}.{key.sequence}"
    descends = key.increment < 0
    limit = min(-key.minimum, maximum + 1) if descends else min(key.maximum, maximum)
    used = None if key.last is None else (-key.last if descends else key.last)
    findings = _room(key.place, used, limit, f"sequence {name}")
    reached = lowest if descends else highest
    if reached is not None and (reached < 0 if descends else reached > 0):
        behind = key.last is None or (key.last > reached if descends else key.last < reached)
        if behind:
            position = "was never used" if key.last is None else f"is at {key.last}"
            what = f"sequence {name} {position}, but a row has {reached}: an insert will collide"
            do = f"SELECT setval('{name}', {reached})"
            findings.append(Finding("sequence-behind", what, key.place, do=do, text=name))
    return findings


def _range(reader: Reader, key: Key) -> tuple[int | None, int | None]:
    """Return the highest and the lowest key; None where the table is empty."""
    query = sql.SQL("SELECT max({0}), min({0}) FROM {1}").format(
        sql.Identifier(key.column), sql.Identifier(key.schema, key.table)
    )
    (ends,) = reader.rows(query, _ends)
    return ends


def _ends(highest: int | None, lowest: int | None) -> tuple[int | None, int | None]:
    return highest, lowest


def _room(place: str, used: int | None, limit: int, counter: str, do: str = WIDEN_KEY) -> list[Finding]:
    """Return a finding where a counter has used much of its numbers."""
    share = (used or 0) / limit
    if share < WARN_SHARE:
        return []
    severity = "error" if share >= ERROR_SHARE else "warn"
    what = f"{counter} has used {share:.1%} of {limit:,}"
    return [Finding("sequence-room", what, place, do=do, severity=severity, text=counter)]


CHECKS = (
    database_check(
        "sequences",
        "no key comes near its last number, and no sequence is behind the rows",
        A_DATABASE,
        reads_database(_check_sequences),
        __file__,
    ),
)
