"""What a database says of the migrations that were applied to it, beside the files that there are."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from psycopg import sql

from switchyard.core.errors import BadInput
from switchyard.predeploy.database.migration_version import Version, alone, label, version
from switchyard.predeploy.database.orphans import table
from switchyard.settings.predeploy import LedgerSetting

Rows = Callable[[str], Sequence[tuple[Any, ...]]]
"""Runs a statement and gives its rows."""

_COLUMNS = """
SELECT n.nspname, c.relname, array_agg(a.attname::text)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT coalesce(current_setting('switchyard.ignored', true), '[]')::jsonb
           ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
 GROUP BY 1, 2 ORDER BY n.nspname <> 'public', 1, 2
"""


@dataclass(frozen=True)
class Shape:
    """A table that says what was applied. What it says of a row is SQL."""

    table: str
    columns: tuple[str, ...]
    """Those by which it is known."""
    name: str
    """What names a migration."""
    checksum: str = "NULL"
    counts: str = "true"
    """Whether the row is of a migration."""
    failed: str = "false"
    """Whether it began and did not end."""
    covers: str = "false"
    """Whether the row is of no migration, and says that all up to its version counts as applied."""
    newest: bool = False
    """Whether the newest migration alone stands there."""
    repeats: bool = False
    """Whether a file without a version runs again when it changed: Flyway's ``R__x.sql``."""
    order: str = ""
    """How the rows follow each other; by their names unless given."""


KNOWN = (
    Shape(
        "flyway_schema_history",
        ("version", "script", "checksum", "type", "success", "installed_rank"),
        "CASE type WHEN 'BASELINE' THEN version ELSE script END",
        "checksum",
        "type <> 'SCHEMA'",
        "NOT success",
        "type = 'BASELINE'",
        repeats=True,
        order="installed_rank",
    ),
    Shape("alembic_version", ("version_num",), "version_num", newest=True),
    Shape("django_migrations", ("id", "app", "name"), "app || '.' || name", order="id"),
    Shape(
        "_prisma_migrations",
        ("migration_name", "checksum", "started_at", "finished_at", "rolled_back_at"),
        "migration_name",
        "checksum",
        "rolled_back_at IS NULL",
        "finished_at IS NULL",
        order="started_at",
    ),
    Shape("schema_migrations", ("version", "dirty"), "version", failed="dirty", newest=True),  # golang-migrate
    Shape("schema_migrations", ("version",), "version"),
    Shape("migrations", ("name", "checksum"), "name", "checksum"),
    Shape("migrations", ("name",), "name"),
    Shape("_yoyo_migration", ("migration_id",), "migration_id"),
    Shape("pgmigrations", ("id", "name"), "name", order="id"),
)
"""The first that fits is it."""


@dataclass(frozen=True)
class Ledger:
    """The table and what stands in it."""

    table: tuple[str, str]
    applied: Mapping[str, str | None]
    """Each migration's name with its checksum, as the table has them, in its order."""
    failed: tuple[str, ...] = ()
    """Those that began and did not end."""
    upto: Version = ()
    """All files up to this version count as applied, also those that no row names."""
    newest: bool = False
    """Whether it names the newest migration alone."""
    repeats: bool = False
    """Whether a file ``R__x.sql`` runs again when it changed."""

    @property
    def place(self) -> str:
        """The table, for people."""
        return ".".join(self.table)

    def paired(self, files: Sequence[str]) -> dict[str, str]:
        """Each file that a row means, with that row.

        By its name, with or without its ending; else by its version; else by the first number of its version alone,
        which is all that some tools take of ``0001_2_x.sql``.
        """
        rows: dict[object, str] = {entry: entry for entry in self.applied}
        rows |= {number: entry for entry in self.applied if (number := alone(entry)) is not None}
        keys = {file: _keys(file) for file in files}
        found: dict[str, str] = {}
        for level in range(3):
            free = self.applied.keys() - found.values()
            left = [(file, key) for file in files if file not in found for key in keys[file][level]]
            found |= {file: rows[key] for file, key in left if rows.get(key) in free}
        return found


def _keys(file: str) -> tuple[tuple[object, ...], ...]:
    number = version(file) or ()
    return (PurePath(file).stem, label(file), file), (number,), (number[:1],)


def read(rows: Rows, setting: LedgerSetting | None) -> Ledger | None:
    """The ledger that the settings name or that is known by its shape; None where there is none."""
    columns = {(schema, name): set(has) for schema, name, has in rows(_COLUMNS)}
    place, shape = _chosen(columns, setting)
    if place is None or shape is None:
        return None
    said = rows(
        f"SELECT ({shape.name})::text, ({shape.checksum})::text, {shape.failed}, {shape.covers} "
        f"FROM {sql.Identifier(*place).as_string(None)} WHERE {shape.counts} ORDER BY {shape.order or shape.name}"
    )
    found = [row for row in said if row[0] is not None]
    upto = [version(name) or () for name, _, _, covers in found if covers or shape.newest]
    return Ledger(
        place,
        {name: checksum for name, checksum, failed, covers in found if not covers and (shape.newest or not failed)},
        tuple(name for name, _, failed, _ in found if failed),
        max(upto, default=()),
        shape.newest,
        shape.repeats,
    )


def _chosen(
    columns: Mapping[tuple[str, str], set[str]], setting: LedgerSetting | None
) -> tuple[tuple[str, str] | None, Shape | None]:
    if setting is not None:
        place = table(setting.table)
        for column in (setting.name, setting.checksum):
            if place not in columns or (column is not None and column not in columns[place]):
                raise BadInput(f"app.predeploy.database.ledger: there is no {setting.table} with a column {column}")
        name, checksum = (sql.Identifier(each).as_string(None) for each in (setting.name, setting.checksum or ""))
        failed = "NOT success" if "success" in columns[place] else "false"
        known = KNOWN[0] if columns[place].issuperset(KNOWN[0].columns) else None
        return place, Shape(
            setting.table,
            (),
            name,
            checksum if setting.checksum else "NULL",
            failed=failed,
            repeats=known is not None,
            order=known.order if known else "",
        )
    fitting: dict[tuple[str, str], Shape] = {}
    for shape in KNOWN:
        for place, has in columns.items():
            if place[1] == shape.table and has.issuperset(shape.columns):
                fitting.setdefault(place, shape)
    if len(fitting) > 1:
        raise BadInput(
            f"{' and '.join('.'.join(place) for place in fitting)} may each be the ledger of the migrations: name the "
            "application's in app.predeploy.database.ledger, or the others in app.predeploy.database.ignore"
        )
    return next(iter(fitting.items()), (None, None))


def same(checksum: str, text: str) -> bool | None:
    """Whether a checksum is the text's; None where nothing here knows how it was made.

    The text's bytes, or those of a program that reads every end of a line as one sign.
    """
    lines = re.split("\r\n|\r|\n", text)
    made = {32: hashlib.md5, 40: hashlib.sha1, 64: hashlib.sha256}.get(len(checksum))
    if made is not None and re.fullmatch("[0-9a-fA-F]+", checksum):
        either = (text, "\n".join(lines))
        return checksum.lower() in [made(each.encode(), usedforsecurity=False).hexdigest() for each in either]
    if re.fullmatch(r"-?\d{1,10}", checksum):  # Flyway: CRC32 of the lines without their ends, as a signed number
        summed = zlib.crc32("".join(lines).removeprefix("\ufeff").encode())
        return int(checksum) in (summed, summed - (1 << 32))
    return None
