"""The ledger: the table in which a migration tool records what it applied."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

from psycopg import sql

from switchyard.core.errors import BadInput
from switchyard.predeploy.database.connection import FetchRows
from switchyard.predeploy.database.migration_version import Version, bare_version, label, version
from switchyard.predeploy.database.table_name import TableName, table_name
from switchyard.settings.predeploy import LedgerSetting

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
class LedgerFormat:
    """How a tool records migrations. Every field but the first two and the flags is an SQL expression on a row."""

    table: str
    columns: tuple[str, ...]
    """The columns that identify the format."""
    name: str
    """The migration."""
    checksum: str = "NULL"
    counts: str = "true"
    """Whether the row is about a migration."""
    failed: str = "false"
    """Whether the migration began and did not end."""
    baseline: str = "false"
    """Whether the row declares all versions up to its own as applied, and is about no migration."""
    newest_only: bool = False
    """Whether the table holds the newest migration and no other."""
    repeats: bool = False
    """Whether the tool applies a file without a version again when it changed: Flyway's ``R__x.sql``."""
    order: str = ""
    """The order of the rows; by name where empty."""


FORMATS = (
    LedgerFormat(
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
    LedgerFormat("alembic_version", ("version_num",), "version_num", newest_only=True),
    LedgerFormat("django_migrations", ("id", "app", "name"), "app || '.' || name", order="id"),
    LedgerFormat(
        "_prisma_migrations",
        ("migration_name", "checksum", "started_at", "finished_at", "rolled_back_at"),
        "migration_name",
        "checksum",
        "rolled_back_at IS NULL",
        "finished_at IS NULL",
        order="started_at",
    ),
    # golang-migrate
    LedgerFormat("schema_migrations", ("version", "dirty"), "version", failed="dirty", newest_only=True),
    LedgerFormat("schema_migrations", ("version",), "version"),
    LedgerFormat("migrations", ("name", "checksum"), "name", "checksum"),
    LedgerFormat("migrations", ("name",), "name"),
    LedgerFormat("_yoyo_migration", ("migration_id",), "migration_id"),
    LedgerFormat("pgmigrations", ("id", "name"), "name", order="id"),
)
"""The first format that fits a table applies."""
FLYWAY = FORMATS[0]


class _TableColumns(NamedTuple):
    """A table of the database with its columns."""

    schema: str
    name: str
    columns: Sequence[str]


class _Row(NamedTuple):
    """A row of the ledger."""

    name: str | None
    checksum: str | None
    failed: bool
    baseline: bool


@dataclass(frozen=True)
class Ledger:
    """The table and its rows."""

    table: TableName
    applied: Mapping[str, str | None]
    """Each applied migration's name with its checksum, in the table's order."""
    failed: tuple[str, ...] = ()
    """Migrations that began and did not end."""
    applied_up_to: Version = ()
    """All files up to this version count as applied, even without a row."""
    newest_only: bool = False
    """Whether the table holds the newest migration and no other."""
    repeats: bool = False
    """Whether the tool applies a file ``R__x.sql`` again when it changed."""

    def paired(self, files: Sequence[str]) -> dict[str, str]:
        """Return each file that a row is about, with the row's name.

        A row is about a file by its name, with or without the ending; else by its version; else by the first number of
        the version, because some tools take no more of ``0001_2_x.sql``.
        """
        rows: dict[str | Version, str] = {entry: entry for entry in self.applied}
        rows |= {number: entry for entry in self.applied if (number := bare_version(entry)) is not None}
        keys = {file: _row_keys(file) for file in files}
        pairs: dict[str, str] = {}
        for level in range(3):
            free = self.applied.keys() - pairs.values()
            left = [(file, key) for file in files if file not in pairs for key in keys[file][level]]
            pairs |= {file: rows[key] for file, key in left if rows.get(key) in free}
        return pairs


def _row_keys(file: str) -> tuple[tuple[str | Version, ...], ...]:
    """Return what a row about a file may say, from the most to the least exact."""
    number = version(file) or ()
    return (PurePath(file).stem, label(file), file), (number,), (number[:1],)


def read_ledger(fetch_rows: FetchRows, setting: LedgerSetting | None) -> Ledger | None:
    """Read the ledger that the settings name, or whose format is known; None where the database has none."""
    tables = {TableName(schema, name): set(columns) for schema, name, columns in fetch_rows(_COLUMNS, _TableColumns)}
    ledger = _by_setting(tables, setting) if setting is not None else _by_format(tables)
    if ledger is None:
        return None
    table, form = ledger
    rows = fetch_rows(
        f"SELECT ({form.name})::text, ({form.checksum})::text, {form.failed}, {form.baseline} "
        f"FROM {table.identifier.as_string(None)} WHERE {form.counts} ORDER BY {form.order or form.name}",
        _Row,
    )
    named = [(row.name, row) for row in rows if row.name is not None]
    versions = [version(name) or () for name, row in named if row.baseline or form.newest_only]
    return Ledger(
        table,
        {name: row.checksum for name, row in named if not row.baseline and (form.newest_only or not row.failed)},
        tuple(name for name, row in named if row.failed),
        max(versions, default=()),
        form.newest_only,
        form.repeats,
    )


def _by_setting(tables: Mapping[TableName, set[str]], setting: LedgerSetting) -> tuple[TableName, LedgerFormat]:
    """Return the table that the settings name. Raise ``BadInput`` where it does not exist."""
    table = table_name(setting.table)
    for column in (setting.name, setting.checksum):
        if table not in tables or (column is not None and column not in tables[table]):
            raise BadInput(f"app.predeploy.database.ledger: there is no {setting.table} with a column {column}")
    is_flyway = tables[table].issuperset(FLYWAY.columns)
    return table, LedgerFormat(
        setting.table,
        (),
        sql.Identifier(setting.name).as_string(None),
        sql.Identifier(setting.checksum).as_string(None) if setting.checksum else "NULL",
        failed="NOT success" if "success" in tables[table] else "false",
        repeats=is_flyway,
        order=FLYWAY.order if is_flyway else "",
    )


def _by_format(tables: Mapping[TableName, set[str]]) -> tuple[TableName, LedgerFormat] | None:
    """Return the table of a known format. Raise ``BadInput`` where several tables have one."""
    ledgers: dict[TableName, LedgerFormat] = {}
    for form in FORMATS:
        for table, columns in tables.items():
            if table.name == form.table and columns.issuperset(form.columns):
                ledgers.setdefault(table, form)
    if len(ledgers) > 1:
        raise BadInput(
            f"{' and '.join(map(str, ledgers))} may each be the ledger of the migrations: name the application's in "
            "app.predeploy.database.ledger, or the others in app.predeploy.database.ignore"
        )
    return next(iter(ledgers.items()), None)


def is_checksum_of(checksum: str, text: str) -> bool | None:
    """Return whether a checksum is the text's; None for a checksum whose algorithm is unknown.

    It is the text's bytes', or those of a program that reads every line ending as one character.
    """
    lines = re.split("\r\n|\r|\n", text)
    algorithm = {32: hashlib.md5, 40: hashlib.sha1, 64: hashlib.sha256}.get(len(checksum))
    if algorithm is not None and re.fullmatch("[0-9a-fA-F]+", checksum):
        texts = (text, "\n".join(lines))
        return checksum.lower() in [algorithm(each.encode(), usedforsecurity=False).hexdigest() for each in texts]
    if re.fullmatch(r"-?\d{1,10}", checksum):  # Flyway: CRC32 of the lines without their endings, as a signed number
        crc = zlib.crc32("".join(lines).removeprefix("\ufeff").encode())
        return int(checksum) in (crc, crc - (1 << 32))
    return None
