"""Apply migrations in plain SQL in order, each once. An advisory lock makes it safe to repeat.

A table keeps the name and the checksum of each applied file.
"""

import hashlib
import sys
from pathlib import Path

import psycopg

LOCK = 7_203_115
LEDGER = """CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY, checksum text NOT NULL, at timestamptz DEFAULT now()
)"""
APPLIED = "SELECT name, checksum FROM migrations"
APPLY = "INSERT INTO migrations (name, checksum) VALUES (%s, %s)"


def main() -> None:
    with psycopg.connect(autocommit=True) as db:
        db.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        db.execute(LEDGER)
        done = dict(db.execute(APPLIED).fetchall())
        for path in sorted(Path("migrations").glob("*.sql")):
            text = path.read_text()
            checksum = hashlib.sha256(text.encode()).hexdigest()
            if path.name not in done:
                with db.transaction():
                    db.execute(text)
                    db.execute(APPLY, (path.name, checksum))
                print(f"applied {path.name}")
            elif done[path.name] != checksum:
                sys.exit(f"{path.name} was edited after it was applied: write a new migration instead")


if __name__ == "__main__":
    main()
