"""What the checks of a database cost, beside the fastest queries written by hand, on millions of rows.

Prints every raw value. Exit 1 where a limit does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg

from bench.measured import Report, timed
from switchyard.predeploy.database import orphans
from switchyard.predeploy.database.catalog import run_files
from switchyard.predeploy.database.fingerprint import QUERY, differences
from switchyard.predeploy.database.migrations import fingerprint_of, keyed
from switchyard.predeploy.database.reader import Reader, connect
from switchyard.predeploy.database.reference_server import Server, apply_files
from switchyard.predeploy.database.sql_checks import shipped

RATIO_MOST, CATALOG_MOST, DRIFT_MOST = 1.2, 0.1, 3.0
"""Ours over the fastest by hand; seconds of all files of sql/checks together; seconds of drift with its reference."""
BIG, SMALL, PARENTS = 5_000_000, 250_000, 500_000
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


def schema() -> str:
    """Twenty foreign keys: four of a child of five million rows, half of them with an index, and sixteen of others."""
    parts = [f"CREATE TABLE p{number} (id int PRIMARY KEY);" for number in range(4)]
    for table in ("big", "c1", "c2", "c3", "c4"):
        columns = ", ".join(f"a{number} int" for number in range(4))
        parts.append(f"CREATE TABLE {table} (id bigint PRIMARY KEY, {columns}, filling text);")
    return "\n".join(parts)


def fill(big: int) -> str:
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


def bench_orphans(report: Report, server: Server, name: str, rounds: int) -> None:
    """All twenty on as many connections, alternating; the fastest style of each is found first."""
    address = server.address(name, "here")
    reader = Reader(address, 600, VALUES, threading.Event())
    relations = sorted(orphans.relations(reader), key=lambda relation: -relation.rows)
    print(f"orphans: {len(relations)} foreign keys on {reader.width} connections", flush=True)
    best, each = {}, {}
    with connect(address, autocommit=True) as connection:
        configure(connection)
        for relation in relations:
            texts = {
                style: text.format(child=relation.child[1], column=relation.pairs[0][0], parent=relation.parent[1])
                for style, text in STYLES.items()
            }
            taken = {
                style: min(timed(lambda text=text: connection.execute(text).fetchall()) for _ in range(2))
                for style, text in texts.items()
            }
            style = min(taken, key=lambda key: taken[key])
            best[relation.name] = texts[style]
            mine = min(timed(lambda one=relation: orphans.look(one, reader, 5)) for _ in range(2))
            each[relation.name] = mine / taken[style]
            figures = ", ".join(f"{key} {seconds:.3f}" for key, seconds in taken.items())
            print(f"    {relation.name:<18} ours {mine:.3f}; {figures}", flush=True)
        floor = [timed(lambda: connection.execute("SELECT count(filling) FROM big").fetchall()) for _ in range(rounds)]

    def ours() -> None:
        with ThreadPoolExecutor(reader.width) as pool:
            list(pool.map(lambda relation: orphans.look(relation, reader, 5), relations))

    def by_hand() -> None:
        with ThreadPoolExecutor(reader.width) as pool:
            list(pool.map(lambda relation: hand(free, best[relation.name]), relations))

    def psql() -> None:
        words = [f"host={server.folder} user=postgres dbname={name} options='{OPTIONS}'"]
        for relation in relations:
            subprocess.run(
                [program(server, "psql"), "-XAtqc", best[relation.name], *words], check=True, stdout=subprocess.DEVNULL
            )

    taken: dict[str, list[float]] = {"ours": [], "hand": [], "psql": []}
    with contextlib.ExitStack() as stack:
        free: queue.Queue[psycopg.Connection] = queue.Queue()
        for _ in range(reader.width):
            open_one = stack.enter_context(connect(address, autocommit=True))
            configure(open_one)
            free.put(open_one)
        for _ in range(rounds):
            taken["ours"].append(timed(ours))
            taken["hand"].append(timed(by_hand))
    taken["psql"].append(timed(psql))
    reader.close()
    report.show("the floor: a sequential scan of the big child", floor)
    report.show("the fastest style of each, one after the other in psql", taken["psql"])
    report.show("the fastest style of each, on as many connections", taken["hand"])
    report.show("ours", taken["ours"])
    report.limit("all: ours over the fastest by hand", *ratio(taken["ours"], taken["hand"]))
    worst = max(each, key=lambda key: each[key])
    big = [each[relation.name] for relation in relations if relation.child[1] == "big"]
    report.limit("one by one, the worst of the big child", max(big), RATIO_MOST)
    print(f"  the worst of all: {each[worst]:.2f} ({worst})\n", flush=True)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), RATIO_MOST


def configure(connection) -> None:  # type: ignore[no-untyped-def]
    """As the checks set their own connections."""
    options = OPTIONS.replace("-c ", "").split()
    text = "SELECT set_config(split_part(o, '=', 1), split_part(o, '=', 2), false) FROM unnest(%s::text[]) o"
    connection.execute(text, [options])


def hand(free: queue.Queue[psycopg.Connection], text: str) -> None:
    """On one of the connections that stand open, as ours do."""
    connection = free.get()
    connection.execute(text).fetchall()
    free.put(connection)


def program(server: Server, name: str) -> str:
    return str(server.programs / name)


def bench_catalog(report: Report, server: Server, rounds: int) -> None:
    """Every file of sql/checks on one connection, on a schema of three hundred tables."""
    print("catalog: all files of sql/checks", flush=True)
    name = wide(server)
    reader = Reader(server.address(name, "here"), 30, VALUES, threading.Event())
    files = [file for file in shipped() if file.runs_on(reader.version)]
    run_files(files, reader, 5)
    taken = [timed(lambda: run_files(files, reader, 5)) for _ in range(3 * rounds)]
    reader.close()
    report.show(f"{len(files)} files, 300 tables", taken)
    report.limit("the catalog's checks together", statistics.median(taken), CATALOG_MOST)


TABLES = 300


def wide(server: Server) -> str:
    name = server.create()
    with server.open(name) as connection:
        apply_files(connection, migrations())
    return name


def migrations() -> list[tuple[str, str]]:
    """A file for each ten tables."""
    found = []
    for number in range(TABLES // 10):
        tables = []
        for table in range(number * 10, number * 10 + 10):
            parent = f"REFERENCES t{table - 1} (id)" if table else ""
            tables.append(
                f"CREATE TABLE t{table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint {parent}, "
                f"name text NOT NULL, at timestamptz DEFAULT now(), CHECK (name <> '')); "
                f"CREATE INDEX ON t{table} (parent); CREATE VIEW v{table} AS SELECT id, name FROM t{table};"
            )
        found.append((f"{number:04}.sql", "\n".join(tables)))
    return found


def bench_drift(report: Report, server: Server, rounds: int) -> None:
    """A server of its own, the migrations, both fingerprints."""
    print("drift: an embedded server, its migrations, both fingerprints", flush=True)
    live = wide(server)
    taken = []
    for _ in range(rounds):
        began = time.monotonic()
        reader = Reader(server.address(live, "here"), 30, VALUES, threading.Event())
        own = Server()
        name = own.create()
        with own.open(name) as connection:
            apply_files(connection, migrations())
        found = differences(fingerprint_of(own, name, VALUES), keyed(reader.rows(QUERY)))
        taken.append(time.monotonic() - began)
        own.close()
        reader.close()
        if found:
            report.broken.append(f"drift where there is none: {found[0]}")
    report.show(f"{TABLES} tables from {len(migrations())} files", taken)
    report.limit("drift", statistics.median(taken), DRIFT_MOST)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=BIG, help="rows of the big child (5,000,000)")
    arguments.add_argument("--rounds", type=int, default=3, help="how often each pair is measured (3)")
    arguments.add_argument("--major", type=int, default=18, choices=(16, 18))
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    server = Server(options.major, shared_buffers="1GB", max_wal_size="8GB")
    try:
        bench_catalog(report, server, options.rounds)
        bench_drift(report, server, options.rounds)
        name = server.create()
        with server.open(name) as connection:
            connection.execute(schema())
            print(f"  filled in {timed(lambda: connection.execute(fill(options.rows))):.0f} s", flush=True)
            connection.execute("VACUUM ANALYZE")
        bench_orphans(report, server, name, options.rounds)
    finally:
        server.close()
    for problem in report.broken:
        print(f"not held: {problem}")
    print(json.dumps({"v": 1, "broken": report.broken}))
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
