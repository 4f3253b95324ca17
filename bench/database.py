"""What the checks of a database cost on millions of rows, beside the fastest queries written by hand.

Prints every raw value. Exit 1 where a limit does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import queue
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import psycopg

from bench.measured import Report, timed
from switchyard.predeploy.database.apply_sql import apply_files
from switchyard.predeploy.database.catalog import run_sql_checks
from switchyard.predeploy.database.connection import connect
from switchyard.predeploy.database.fingerprint import differences, fingerprint_of, read_fingerprint
from switchyard.predeploy.database.orphans import find_orphans
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_server import ReferenceDatabase, Server
from switchyard.predeploy.database.relations import Relation, foreign_keys
from switchyard.predeploy.database.sql_checks import shipped

RATIO_MOST, CATALOG_MOST, DRIFT_MOST = 1.2, 0.1, 3.0
"""Ours over the fastest by hand; seconds of all files of sql/checks; seconds of drift with its reference server."""
BIG, SMALL, PARENTS = 5_000_000, 250_000, 500_000
"""Rows of the tables."""
TABLES = 300
"""Tables of the schema for the catalog and for drift."""
SAMPLES = 5
"""Findings of each kind that the checks name one by one."""
VALUES = {"switchyard.ignored": "[]", "switchyard.transaction": "60s"}
STYLES = {
    "NOT EXISTS": "SELECT count(*) FROM {child} c WHERE c.{column} IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM {parent} p WHERE p.id = c.{column})",
    "LEFT JOIN": "SELECT count(*) FROM {child} c LEFT JOIN {parent} p ON p.id = c.{column}"
    " WHERE c.{column} IS NOT NULL AND p.id IS NULL",
    "EXCEPT": "SELECT count(*) FROM (SELECT c.{column} FROM {child} c WHERE c.{column} IS NOT NULL"
    " EXCEPT SELECT id FROM {parent}) e",
    "NOT IN": "SELECT count(*) FROM {child} c WHERE c.{column} NOT IN (SELECT id FROM {parent})",
}
OPTIONS = "-c jit=off -c work_mem=64MB -c max_parallel_workers_per_gather=0"
"""As the checks set their own connections."""
Row: TypeAlias = tuple[object, ...]
Connection: TypeAlias = psycopg.Connection[Row]


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s bench -- database", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=BIG, help="rows of the big child (5,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure each pair (3)")
    parser.add_argument("--major", type=int, default=18, choices=(16, 18), help="version of PostgreSQL (18)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    server = Server(options.major, shared_buffers="1GB", max_wal_size="8GB")
    try:
        bench_catalog(report, server, options.rounds)
        bench_drift(report, server, options.rounds)
        name = server.create()
        with server.open(name) as connection:
            connection.execute(schema().encode())
            seconds = timed(lambda: connection.execute(fill(options.rows).encode()))
            print(f"  filled in {seconds:.0f} s", flush=True)
            connection.execute("VACUUM ANALYZE")
        bench_orphans(report, server, name, options.rounds)
    finally:
        server.close()
    return report.end()


def bench_catalog(report: Report, server: Server, rounds: int) -> None:
    """Time every file of sql/checks on one connection, on a schema of three hundred tables."""
    print("catalog: all files of sql/checks", flush=True)
    reader = Reader(server.address(create_tables(server), "here"), 30, VALUES, threading.Event())
    files = [file for file in shipped() if file.runs_on(reader.version)]
    run_sql_checks(files, reader, SAMPLES)
    seconds = [timed(lambda: run_sql_checks(files, reader, SAMPLES)) for _ in range(3 * rounds)]
    reader.close()
    report.show(f"{len(files)} files, {TABLES} tables", seconds)
    report.limit("the catalog's checks together", statistics.median(seconds), CATALOG_MOST)


def bench_drift(report: Report, server: Server, rounds: int) -> None:
    """Time a reference server, the migrations and both fingerprints."""
    print("drift: an embedded server, its migrations, both fingerprints", flush=True)
    live = create_tables(server)
    seconds = []
    for _ in range(rounds):
        began = time.monotonic()
        reader = Reader(server.address(live, "here"), 30, VALUES, threading.Event())
        reference = Server()
        expected = fingerprint_of(ReferenceDatabase(reference, create_tables(reference)), VALUES)
        drift = differences(expected, read_fingerprint(reader))
        seconds.append(time.monotonic() - began)
        reference.close()
        reader.close()
        if drift:
            report.broken.append(f"no drift between equal schemas: {drift[0]}")
    report.show(f"{TABLES} tables from {len(migrations())} files", seconds)
    report.limit("drift", statistics.median(seconds), DRIFT_MOST)


def create_tables(server: Server) -> str:
    """Create a database of ``TABLES`` tables and return its name."""
    name = server.create()
    with server.open(name) as connection:
        apply_files(connection, migrations())
    return name


def migrations() -> list[tuple[str, str]]:
    """Return a file for each ten tables, with its name."""
    files = []
    for number in range(TABLES // 10):
        tables = []
        for table in range(number * 10, number * 10 + 10):
            parent = f"REFERENCES t{table - 1} (id)" if table else ""
            tables.append(
                f"CREATE TABLE t{table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint {parent}, "
                f"name text NOT NULL, at timestamptz DEFAULT now(), CHECK (name <> '')); "
                f"CREATE INDEX ON t{table} (parent); CREATE VIEW v{table} AS SELECT id, name FROM t{table};"
            )
        files.append((f"{number:04}.sql", "\n".join(tables)))
    return files


def bench_orphans(report: Report, server: Server, name: str, rounds: int) -> None:
    """Time all twenty foreign keys on as many connections, by turns with the fastest style of each."""
    address = server.address(name, "here")
    reader = Reader(address, 600, VALUES, threading.Event())
    relations = sorted(foreign_keys(reader), key=lambda relation: -relation.rows)
    print(f"orphans: {len(relations)} foreign keys on {reader.width} connections", flush=True)
    best: dict[str, str] = {}
    ratios: dict[str, float] = {}
    with connect(address, autocommit=True) as connection:
        configure(connection)
        for relation in relations:
            best[relation.name], ratios[relation.name] = fastest_style(connection, reader, relation)
        scan = [timed(lambda: fetch(connection, "SELECT count(filling) FROM big")) for _ in range(rounds)]

    def ours() -> None:
        with ThreadPoolExecutor(reader.width) as pool:
            list(pool.map(lambda relation: find_orphans(relation, reader, SAMPLES), relations))

    our_seconds: list[float] = []
    hand_seconds: list[float] = []
    queries = [best[relation.name] for relation in relations]
    with contextlib.ExitStack() as stack:
        idle: queue.Queue[Connection] = queue.Queue()
        for _ in range(reader.width):
            connection = stack.enter_context(connect(address, autocommit=True))
            configure(connection)
            idle.put(connection)
        for _ in range(rounds):
            our_seconds.append(timed(ours))
            hand_seconds.append(timed(functools.partial(by_hand, queries, idle)))
    psql_seconds = timed(functools.partial(in_psql, queries, server, name))
    reader.close()
    report.show("the least: a sequential scan of the big child", scan)
    report.show("the fastest style of each, one after the other in psql", [psql_seconds])
    report.show("the fastest style of each, on as many connections", hand_seconds)
    report.show("ours", our_seconds)
    ratio = statistics.median(a / b for a, b in zip(our_seconds, hand_seconds, strict=True))
    report.limit("all: ours over the fastest by hand", ratio, RATIO_MOST)
    worst_big = max(ratios[relation.name] for relation in relations if relation.child.name == "big")
    report.limit("one by one, the worst of the big child", worst_big, RATIO_MOST)
    worst = max(ratios, key=lambda key: ratios[key])
    print(f"  the worst of all: {ratios[worst]:.2f} ({worst})\n", flush=True)


def fastest_style(connection: Connection, reader: Reader, relation: Relation) -> tuple[str, float]:
    """Return the fastest query by hand for a foreign key, and our seconds over its seconds."""
    child, parent, column = relation.child.name, relation.parent.name, relation.pairs[0].child
    queries = {style: text.format(child=child, column=column, parent=parent) for style, text in STYLES.items()}
    seconds = {style: best_of_two(functools.partial(fetch, connection, text)) for style, text in queries.items()}
    style = min(seconds, key=lambda key: seconds[key])
    our_seconds = best_of_two(functools.partial(find_orphans, relation, reader, SAMPLES))
    figures = ", ".join(f"{key} {value:.3f}" for key, value in seconds.items())
    print(f"    {relation.name:<18} ours {our_seconds:.3f}; {figures}", flush=True)
    return queries[style], our_seconds / seconds[style]


def best_of_two(act: Callable[[], object]) -> float:
    """Run ``act`` twice and return the seconds of the faster run."""
    return min(timed(act), timed(act))


def by_hand(queries: Sequence[str], idle: queue.Queue[Connection]) -> None:
    """Run queries side by side on connections that are open already, as ours are."""

    def run(text: str) -> None:
        connection = idle.get()
        fetch(connection, text)
        idle.put(connection)

    with ThreadPoolExecutor(idle.qsize()) as pool:
        list(pool.map(run, queries))


def in_psql(queries: Sequence[str], server: Server, name: str) -> None:
    """Run queries one after the other, each in a psql of its own."""
    address = f"host={server.folder} user=postgres dbname={name} options='{OPTIONS}'"
    for text in queries:
        argv = [str(server.programs / "psql"), "-XAtqc", text, address]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def fetch(connection: Connection, text: str) -> list[Row]:
    return connection.execute(text.encode()).fetchall()


def configure(connection: Connection) -> None:
    """Set a connection as the checks set their own."""
    options = OPTIONS.replace("-c ", "").split()
    text = "SELECT set_config(split_part(o, '=', 1), split_part(o, '=', 2), false) FROM unnest(%s::text[]) o"
    connection.execute(text, [options])


def schema() -> str:
    """Return tables for twenty foreign keys: four of a big child, half of them with an index, and sixteen of others."""
    parts = [f"CREATE TABLE p{number} (id int PRIMARY KEY);" for number in range(4)]
    for table in ("big", "c1", "c2", "c3", "c4"):
        columns = ", ".join(f"a{number} int" for number in range(4))
        parts.append(f"CREATE TABLE {table} (id bigint PRIMARY KEY, {columns}, filling text);")
    return "\n".join(parts)


def fill(big: int) -> str:
    """Return the rows, indexes and foreign keys, with ``big`` rows in the big child."""
    parts = [f"INSERT INTO p{number} SELECT generate_series(1, {PARENTS});" for number in range(4)]
    for table, rows in (("big", big), *((f"c{number}", SMALL) for number in range(1, 5))):
        values = ", ".join(f"1 + (n * {7919 + number * 2}::bigint % {PARENTS})::int" for number in range(4))
        parts.append(f"INSERT INTO {table} SELECT n, {values}, repeat('x', 60) FROM generate_series(1, {rows}) n;")
    for table in ("big", "c1", "c2", "c3", "c4"):
        parts += [f"CREATE INDEX ON {table} (a{number});" for number in range(2)]
        parts += [
            f"ALTER TABLE {table} ADD FOREIGN KEY (a{number}) REFERENCES p{number} NOT VALID;" for number in range(4)
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
