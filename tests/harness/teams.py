"""The migrations of a small application of teams and games, and the ledgers that record them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping

from tests.harness.database_application import Shop

FIRST = """CREATE TABLE teams (id int PRIMARY KEY, name text NOT NULL);
CREATE TYPE state AS ENUM ('open', 'done');
CREATE VIEW names AS SELECT name FROM teams;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2';
"""
SECOND = """CREATE TABLE games (id bigserial PRIMARY KEY, team int REFERENCES teams, at timestamptz DEFAULT now());
CREATE TABLE log (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-31 12:00+00') TO ('2026-02-28 12:00+00');
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2026-02-28 12:00+00') TO ('2026-03-31 12:00+00');
"""
LEDGER = "CREATE TABLE migrations (name text PRIMARY KEY, checksum text NOT NULL, at timestamptz DEFAULT now())"
FLYWAY = """CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version text, script text NOT NULL,
checksum int, type text NOT NULL, success bool NOT NULL)"""
ONE_MIGRATION = """CREATE TABLE teams (id int PRIMARY KEY, name text NOT NULL, old text);
CREATE TABLE games (id bigserial PRIMARY KEY, team int, at timestamptz DEFAULT now());"""
VIEW = "CREATE VIEW names AS SELECT name FROM teams"
MANY = "INSERT INTO games (team) SELECT n FROM generate_series(1, 300000) n"

QUERIES = {
    "sql__queries__names_sql": "SELECT name, old FROM teams WHERE id = %(id)s AND name LIKE 'x%%'",
    "sql__queries__add_sql": "INSERT INTO teams (id, name) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING",
    "sql__queries__all_sql": "SELECT * FROM games WHERE team = $1",
    "sql__queries__open_sql": "SELECT now() - interval $1",
}
"""Recorded queries, one of which leaves a type open."""


def sha(text: str) -> str:
    """Return the checksum that most tools record."""
    return hashlib.sha256(text.encode()).hexdigest()


def crc(text: str) -> int:
    """Return the checksum that Flyway records: of the lines without their endings, as a signed number."""
    value = 0
    for line in text.splitlines():
        value = zlib.crc32(line.encode(), value)
    return value - (1 << 32) if value >= 1 << 31 else value


def record(**files: str) -> str:
    """Return the statement that records files in the ledger, each without its ending and with its text."""
    rows = ", ".join(f"('{name}.sql', '{sha(text)}')" for name, text in files.items())
    return f"INSERT INTO migrations (name, checksum) VALUES {rows}"


APPLIED = (FIRST, SECOND, LEDGER, record(**{"0001_a": FIRST, "0002_b": SECOND}))
"""What makes a database in which both migrations are applied."""
ONE_APPLIED = (ONE_MIGRATION, LEDGER, record(**{"1": ONE_MIGRATION}))
"""What makes a database in which the one migration is applied."""


def write_migrations(shop: Shop, files: Mapping[str, str]) -> None:
    """Write files of the application's folder ``db``."""
    (shop.app / "db").mkdir(exist_ok=True)
    for name, text in files.items():
        (shop.app / "db" / name).write_text(text)
