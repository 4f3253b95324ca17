#!/usr/bin/env python3
"""The checks of a database on schemas that others wrote, fetched from the package registries by their names.

Each is built in an embedded server and looked at as it is; then one violation per check that applies is planted, and
an orphan for every foreign key that takes one. Exit 1 where one of them is not found. Needs pip, npm and apt-get.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import psycopg
from psycopg import sql

from switchyard.predeploy.database import orphans, rows
from switchyard.predeploy.database.catalog import TABLES, run_files
from switchyard.predeploy.database.fingerprint import differences
from switchyard.predeploy.database.migrations import fingerprint_of
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_server import Server, apply_files
from switchyard.predeploy.database.sql_checks import shipped
from switchyard.predeploy.engine.result import Finding

VALUES = {"switchyard.ignored": "[]", "switchyard.transaction": "60s"}
WITHIN = 1800


def run(*words: str, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=WITHIN, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    return done.stdout


def airflow(server: Server, name: str, folder: Path) -> None:
    """Airflow's metadata, made by Airflow itself (PyPI)."""
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "--quiet", "airflow", cwd=folder)
    packages = ("apache-airflow", "psycopg2-binary", "asyncpg")
    run(*uv, "pip", "install", "--quiet", "--python", "airflow/bin/python", *packages, cwd=folder)
    address = f"postgresql+psycopg2://postgres@/{name}?host={server.folder}"
    path = f"{folder / 'airflow' / 'bin'}:{os.environ['PATH']}"
    own = {"AIRFLOW_HOME": str(folder / "home"), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address, "PATH": path}
    run(str(folder / "airflow" / "bin" / "airflow"), "db", "migrate", cwd=folder, **own)


def zabbix(server: Server, name: str, folder: Path) -> None:
    """Zabbix's server with its first rows (Debian): over 150 tables."""
    run("apt-get", "download", "--quiet", "zabbix-server-pgsql", cwd=folder)
    (package,) = folder.glob("zabbix-server-pgsql_*.deb")
    run("dpkg-deb", "--extract", str(package), "zabbix", cwd=folder)
    with server.open(name) as connection:
        for part in ("schema", "images", "data"):
            file = folder / "zabbix" / "usr" / "share" / "zabbix-server-pgsql" / f"{part}.sql.gz"
            connection.execute(gzip.decompress(file.read_bytes()).decode())


def queues(server: Server, name: str, folder: Path) -> None:
    """Two queues in one database (npm): graphile-worker and pg-boss, each in a schema of its own, with partitions."""
    run("npm", "install", "--silent", "--ignore-scripts", "--no-audit", "graphile-worker", "pg-boss", cwd=folder)
    found = sorted((folder / "node_modules" / "graphile-worker" / "sql").glob("*.sql"))
    files = [(path.name, path.read_text().replace(":GRAPHILE_WORKER_SCHEMA", "graphile_worker")) for path in found]
    plans = "const m = require('pg-boss'); console.log((m.PgBoss || m.default || m).getConstructionPlans('pgboss'))"
    if not (folder / "node_modules" / "pg-boss" / "package.json").read_text().count('"type": "module"'):
        made = run("node", "-e", plans, cwd=folder)
    else:
        made = run(
            "node",
            "--input-type=module",
            "-e",
            plans.replace("const m = require('pg-boss')", "import * as m from 'pg-boss'"),
            cwd=folder,
        )
    with server.open(name) as connection:
        connection.execute("CREATE SCHEMA graphile_worker")
        apply_files(connection, files)
        connection.execute(made)
        boss = 'SELECT pgboss.create_queue(\'mail\', \'{"policy": "standard", "partition": true}\')'
        with contextlib.suppress(psycopg.Error):
            connection.execute(boss.encode())


SCHEMAS: dict[str, Callable[[Server, str, Path], None]] = {"airflow": airflow, "zabbix": zabbix, "queues": queues}


@contextlib.contextmanager
def reading(server: Server, name: str) -> Iterator[Reader]:
    reader = Reader(server.address(name, name), 60, VALUES, threading.Event())
    try:
        yield reader
    finally:
        reader.close()


def looked(reader: Reader) -> tuple[list[Finding], list[str]]:
    """What the checks find, and what they could not look at."""
    files = [file for file in shipped() if file.check == "schema"]
    found, unlooked, _ = run_files(files, reader, 5)
    for relation in orphans.relations(reader):
        found += orphans.look(relation, reader, 5)
    keyed, missed, _ = rows.sequences(reader)
    return [*found, *keyed], [*unlooked, *missed]


def counts(found: list[Finding]) -> dict[str, int]:
    return dict(collections.Counter(finding.rule for finding in found))


def plant(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """One violation per check that applies; how many more findings of each rule there must be."""
    planted: dict[str, int] = {}

    def one(rule: str, choose: str, do: Callable[[tuple[Any, ...]], str]) -> None:
        """On the first of the rows that takes it; where there are some and none does, 0 are planted."""
        places = connection.execute(choose.encode()).fetchall()
        if not places:
            print(f"    {rule}: has nothing to be planted on here")
            return
        planted.setdefault(rule, 0)
        for row in places:
            try:
                with connection.transaction():
                    connection.execute(do(row).encode())
            except psycopg.Error:
                continue
            planted[rule] += 1
            return

    for number, (child, constraint) in enumerate(connection.execute(FOREIGN_KEYS.encode()).fetchall()):
        try:
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")
                connection.execute(filled(connection, child, constraint, number))
            planted["orphan"] = planted.get("orphan", 0) + 1
        except psycopg.Error as error:
            print(f"    {constraint}: no orphan can be planted: {error.diag.message_primary}")
    one(
        "sequence-behind",
        SEQUENCES,
        lambda row: f"{filled(connection, row[0], None, 0, row[1]).decode()}; SELECT setval('{row[2]}', 1, false)",
    )
    one("sequence-room", f"{SEQUENCES} OFFSET 1", lambda row: room(row))
    one("primary-key", PRIMARY_KEYS, lambda row: f"ALTER TABLE {row[0]} DROP CONSTRAINT {row[1]}")
    one("duplicate-index", INDEXES, lambda row: row[1].replace(f" {row[2]} ", " a_second_one ", 1))
    one(
        "invalid-index",
        f"{INDEXES} DESC",
        lambda row: f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = {row[0]}",
    )
    one(
        "constraint-not-validated-18",
        PRIMARY_KEYS,
        lambda row: f"ALTER TABLE {row[0]} ADD CONSTRAINT later CHECK (true) NOT VALID",
    )
    one("disabled-trigger", FOREIGN_KEYS, lambda row: f"ALTER TABLE {row[0]} DISABLE TRIGGER ALL")
    one(
        "foreign-key-index",
        PRIMARY_KEYS,
        lambda row: (
            f"CREATE TABLE {row[0]}_planted (id int PRIMARY KEY, up int REFERENCES {row[0]}_planted)"
            if '"' not in row[0]
            else "SELECT 1/0"
        ),
    )
    one(
        "wraparound",
        PRIMARY_KEYS,
        lambda row: (
            "UPDATE pg_class SET relfrozenxid = ((pg_current_xact_id()::text::bigint - 1200000000 + 4294967296) "
            f"% 4294967296)::text::xid WHERE oid = '{row[0]}'::regclass"
        ),
    )
    one(
        "extension-version",
        "SELECT 1",
        lambda row: "UPDATE pg_extension SET extversion = '0' WHERE extname = 'plpgsql'",
    )
    return planted


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
_VALUES = {
    **{"boolean": "true", "json": "'{}'", "jsonb": "'{}'", "uuid": "gen_random_uuid()", "bytea": "'x'"},
    **{"interval": "'1 s'", "date": "now()"},
}


def filled(
    connection: psycopg.Connection[Any], table: str, constraint: str | None, number: int, key: str = ""
) -> bytes:
    """An INSERT of one row with a value for all that needs one, the columns of a foreign key and a key among it.

    ``number`` makes the row another than all others, so that none is the parent of one by chance.
    """
    columns = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, NULL), a.atttypmod, a.attnotnull AND NOT a.atthasdef "
        "AND a.attidentity = '', a.attnum = ANY (coalesce(k.conkey, '{}')) FROM pg_attribute a "
        "LEFT JOIN pg_constraint k ON k.conrelid = a.attrelid AND k.conname = %s "
        "WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''",
        [constraint, table],
    ).fetchall()
    wanted = [each for each in columns if each[3] or each[4] or each[0] == key]
    names = ", ".join(sql.Identifier(each[0]).as_string(None) for each in wanted)
    values = ", ".join(value(connection, each[1], each[2], number + 400 * each[4]) for each in wanted)
    return f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({values})".encode()


def value(connection: psycopg.Connection[Any], kind: str, size: int, number: int) -> str:
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
    return f"'{label[0]}'" if label else _VALUES.get(kind, "NULL")


def room(row: tuple[Any, ...]) -> str:
    most = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}[row[3]] - 1
    return f"SELECT setval('{row[2]}', {most // 100 * 95})"


def look_at(server: Server, name: str, folder: Path) -> list[str]:
    """Builds, looks, plants, looks again; what was planted and not found."""
    database = server.create()
    began = time.monotonic()
    SCHEMAS[name](server, database, folder)
    built = time.monotonic() - began
    broken = []
    with reading(server, database) as reader:
        tables = reader.rows(TABLES)[0][0]
        spaces = reader.rows(
            "SELECT count(DISTINCT relnamespace) FROM pg_class WHERE relkind IN ('r', 'p') AND oid > 16384"
        )
        parts = reader.rows("SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'")[0][0]
        relations = len(orphans.relations(reader))
        began = time.monotonic()
        before, unlooked = looked(reader)
        seconds = time.monotonic() - began
    print(
        f"{name}: {SCHEMAS[name].__doc__} Built in {built:.0f} s: {tables} tables in {spaces[0][0]} schemas, "
        f"{parts} partitions, {relations} foreign keys; looked at in {seconds:.2f} s"
    )
    for finding in before[:40]:
        print(f"    {finding.severity}: {finding.place}: {finding.what} [{finding.rule}]")
    print(f"    found as it is: {counts(before)}; could not look: {unlooked}", flush=True)
    copy = server.create(template=database)
    with server.open(copy) as connection:
        planted = plant(connection)
    with reading(server, copy) as reader:
        after, unlooked = looked(reader)
    had, has = counts(before), counts(after)
    for rule, more in planted.items():
        got = has.get(rule, 0) - had.get(rule, 0)
        if not more:
            broken.append(f"{name}: {rule} could not be planted")
        print(f"    planted {more} of {rule}, {got} more found{'' if got >= more else ': NOT ALL'}")
        if got < more:
            broken.append(f"{name}: {rule}: {got} of {more}")
    broken += [f"{name}: could not look: {words}" for words in unlooked]
    drift = differences(fingerprint_of(server, database, VALUES), fingerprint_of(server, copy, VALUES))
    told = sorted({str(each)[:100] for each in drift})
    print(f"    drift between both: {len(drift)}: {'; '.join(told)[:600]}", flush=True)
    if not drift:
        broken.append(f"{name}: no drift found")
    return broken


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", choices=SCHEMAS, nargs="*", default=list(SCHEMAS))
    options = arguments.parse_args()
    broken = []
    server = Server()
    try:
        for name in options.only:
            with tempfile.TemporaryDirectory(prefix="switchyard-schemas-") as folder:
                broken += look_at(server, name, Path(folder))
    finally:
        server.close()
    print(json.dumps({"v": 1, "broken": broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
