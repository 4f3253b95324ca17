"""Violations planted into a database, one for each check that applies, and an orphan for each foreign key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from psycopg import sql

Row: TypeAlias = tuple[str, ...]
Connection: TypeAlias = psycopg.Connection[Row]
Statement: TypeAlias = Callable[[Connection, Row], str]

FOREIGN_KEYS = """SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 ORDER BY 1, 2"""
PRIMARY_KEYS = """SELECT k.conrelid::regclass::text, quote_ident(k.conname) FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid AND c.relkind = 'r' AND NOT c.relispartition
WHERE k.contype = 'p' AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = k.conrelid) ORDER BY 1"""
INDEXES = """SELECT i.indexrelid, pg_get_indexdef(i.indexrelid), quote_ident(x.relname) FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
WHERE n.nspname !~ '^pg_' AND NOT i.indisunique AND NOT x.relispartition AND x.relkind = 'i' ORDER BY 2"""
SEQUENCES = """SELECT d.refobjid::regclass::text, a.attname, d.objid::regclass::text, format_type(a.atttypid, NULL)
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_constraint k ON k.conrelid = d.refobjid AND k.contype = 'p' AND k.conkey = ARRAY[a.attnum]
WHERE d.deptype IN ('a', 'i') ORDER BY 1"""
VALUES = {
    **{"boolean": "true", "json": "'{}'", "jsonb": "'{}'", "uuid": "gen_random_uuid()", "bytea": "'x'"},
    **{"interval": "'1 s'", "date": "now()"},
}
"""A value of each type that takes no number."""
MOST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
COLUMNS = """SELECT a.attname, format_type(a.atttypid, NULL), a.atttypmod,
a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attnum = ANY (coalesce(k.conkey, '{}'))
FROM pg_attribute a LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.conname = %s
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"""


@dataclass(frozen=True)
class Violation:
    """One thing that a check must find."""

    rule: str
    places: str
    """A query: one row for each place that may take it."""
    statement: Statement
    """Returns the statement that plants it on a row of ``places``."""


def sequence_behind(connection: Connection, row: Row) -> str:
    """Insert a high key, and set the sequence back to 1."""
    insert = insert_of(connection, row[0], None, 0, key=row[1]).decode()
    return f"{insert}; SELECT setval('{row[2]}', 1, false)"


def sequence_room(connection: Connection, row: Row) -> str:
    """Use 95 % of a sequence's numbers."""
    return f"SELECT setval('{row[2]}', {MOST[row[3]] // 100 * 95})"


def foreign_key_without_index(connection: Connection, row: Row) -> str:
    """Create a table that refers to itself. A quoted name takes none."""
    table = f"{row[0]}_planted"
    return "SELECT 1/0" if '"' in table else f"CREATE TABLE {table} (id int PRIMARY KEY, up int REFERENCES {table})"


def old_transaction(connection: Connection, row: Row) -> str:
    """Make a table's oldest transaction 1.2 thousand million transactions old."""
    return (
        "UPDATE pg_class SET relfrozenxid = ((pg_current_xact_id()::text::bigint - 1200000000 + 4294967296) "
        f"% 4294967296)::text::xid WHERE oid = '{row[0]}'::regclass"
    )


VIOLATIONS = (
    Violation("sequence-behind", SEQUENCES, sequence_behind),
    Violation("sequence-room", f"{SEQUENCES} OFFSET 1", sequence_room),
    Violation("primary-key", PRIMARY_KEYS, lambda _, row: f"ALTER TABLE {row[0]} DROP CONSTRAINT {row[1]}"),
    Violation("duplicate-index", INDEXES, lambda _, row: row[1].replace(f" {row[2]} ", " a_second_one ", 1)),
    Violation(
        "invalid-index",
        f"{INDEXES} DESC",
        lambda _, row: f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = {row[0]}",
    ),
    Violation(
        "constraint-not-validated-18",
        PRIMARY_KEYS,
        lambda _, row: f"ALTER TABLE {row[0]} ADD CONSTRAINT later CHECK (true) NOT VALID",
    ),
    Violation("disabled-trigger", FOREIGN_KEYS, lambda _, row: f"ALTER TABLE {row[0]} DISABLE TRIGGER ALL"),
    Violation("foreign-key-index", PRIMARY_KEYS, foreign_key_without_index),
    Violation("wraparound", PRIMARY_KEYS, old_transaction),
    Violation(
        "extension-version",
        "SELECT 1",
        lambda _, row: "UPDATE pg_extension SET extversion = '0' WHERE extname = 'plpgsql'",
    ),
)


def plant(connection: Connection) -> dict[str, int]:
    """Plant every violation that applies, and return how many more findings of each rule there must be."""
    counts: dict[str, int] = {}
    if orphans := plant_orphans(connection):
        counts["orphan"] = orphans
    for violation in VIOLATIONS:
        places = connection.execute(violation.places.encode()).fetchall()
        if places:
            counts[violation.rule] = plant_one(connection, violation, places)
        else:
            print(f"    {violation.rule}: this schema has no place for it")
    return counts


def plant_orphans(connection: Connection) -> int:
    """Plant an orphan for each foreign key that takes one, and return how many did."""
    count = 0
    for number, (child, constraint) in enumerate(connection.execute(FOREIGN_KEYS.encode()).fetchall()):
        try:
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")
                connection.execute(insert_of(connection, child, constraint, number))
            count += 1
        except psycopg.Error as error:
            print(f"    {constraint}: takes no orphan: {error.diag.message_primary}")
    return count


def plant_one(connection: Connection, violation: Violation, places: list[Row]) -> int:
    """Plant a violation on the first place that takes it. Return 1, or 0 where none does."""
    for row in places:
        try:
            with connection.transaction():
                connection.execute(violation.statement(connection, row).encode())
        except psycopg.Error:
            continue
        return 1
    return 0


def insert_of(connection: Connection, table: str, constraint: str | None, number: int, *, key: str = "") -> bytes:
    """Return an INSERT of a row with a value for each column that needs one, of the foreign key, and for ``key``.

    ``number`` makes the row differ from all others, so that none is another's parent by chance.
    """
    columns = connection.execute(COLUMNS, [constraint, table]).fetchall()
    chosen = [column for column in columns if column[3] or column[4] or column[0] == key]
    names = ", ".join(sql.Identifier(column[0]).as_string(None) for column in chosen)
    numbers = [number + 400 if column[4] else number for column in chosen]
    values = ", ".join(
        value_of(connection, column[1], int(column[2]), each) for column, each in zip(chosen, numbers, strict=True)
    )
    return f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({values})".encode()


def value_of(connection: Connection, kind: str, size: int, number: int) -> str:
    """Return a value of a type as SQL; it depends on ``number`` where the type allows it."""
    if kind in ("integer", "bigint", "numeric", "double precision", "real"):
        return str(900_000 + number)
    if kind == "smallint":
        return str(9_000 + number)
    if kind.endswith("[]"):
        return "'{}'"
    if kind.startswith("timestamp"):
        return "now()"
    if kind == "text" or kind.startswith("character"):
        return f"left('{number}planted', {size - 4})" if size > 4 else f"'{number}planted'"
    label = connection.execute("SELECT enumlabel FROM pg_enum WHERE enumtypid = %s::regtype", [kind]).fetchone()
    return f"'{label[0]}'" if label else VALUES.get(kind, "NULL")
