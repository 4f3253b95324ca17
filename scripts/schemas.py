#!/usr/bin/env python3
"""Run the database checks on other people's schemas, which come from the package registries.

An embedded server builds each schema, and the checks look at it as it is. Then the script plants one violation for each
check that applies, and an orphan for each foreign key that takes one. Exit 1 where a check misses one. Needs pip, npm
and apt-get.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psycopg

from scripts.violations import plant
from switchyard.predeploy.database.apply_sql import apply_files
from switchyard.predeploy.database.catalog import TABLES, run_sql_checks
from switchyard.predeploy.database.fingerprint import differences, fingerprint_of
from switchyard.predeploy.database.orphans import find_orphans
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_server import ReferenceDatabase, Server
from switchyard.predeploy.database.relations import foreign_keys
from switchyard.predeploy.database.sequences import sequence_findings
from switchyard.predeploy.database.sql_checks import shipped
from switchyard.predeploy.engine.result import Finding

VALUES = {"switchyard.ignored": "[]", "switchyard.transaction": "60s"}
LOCKS = Path(__file__).resolve().parents[1] / "requirements" / "schemas"
COMMAND_SECONDS = 1800
SAMPLES = 5
"""Findings of each kind that the checks name one by one."""
SHOWN = 40
"""Findings of a schema as it is that the script prints."""
SCHEMAS_QUERY = "SELECT count(DISTINCT relnamespace) FROM pg_class WHERE relkind IN ('r', 'p') AND oid > 16384"
PARTITIONS_QUERY = "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'"


def run(*words: str, cwd: Path, **env: str) -> str:
    """Run a command and return what it prints. Exit where it fails."""
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)} exited with {done.returncode}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    return done.stdout


def airflow(server: Server, name: str, folder: Path) -> None:
    """Build Airflow's metadata with Airflow itself (PyPI)."""
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "--quiet", "airflow", cwd=folder)
    locked = ("--only-binary=:all:", "--require-hashes", "-r", str(LOCKS / "airflow.txt"))
    run(*uv, "pip", "install", "--quiet", "--python", "airflow/bin/python", *locked, cwd=folder)
    address = f"postgresql+psycopg2://postgres@/{name}?host={server.folder}"
    path = f"{folder / 'airflow' / 'bin'}:{os.environ['PATH']}"
    env = {"AIRFLOW_HOME": str(folder / "home"), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address, "PATH": path}
    run(str(folder / "airflow" / "bin" / "airflow"), "db", "migrate", cwd=folder, **env)


def zabbix(server: Server, name: str, folder: Path) -> None:
    """Build the Zabbix server's schema with its first rows (Debian): over 150 tables."""
    run("apt-get", "download", "--quiet", "zabbix-server-pgsql", cwd=folder)
    (package,) = folder.glob("zabbix-server-pgsql_*.deb")
    run("dpkg-deb", "--extract", str(package), "zabbix", cwd=folder)
    with server.open(name) as connection:
        for part in ("schema", "images", "data"):
            file = folder / "zabbix" / "usr" / "share" / "zabbix-server-pgsql" / f"{part}.sql.gz"
            connection.execute(gzip.decompress(file.read_bytes()).decode())


def queues(server: Server, name: str, folder: Path) -> None:
    """Build graphile-worker and pg-boss in one database (npm), each in a schema of its own, with partitions."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCKS / name, folder)
    run("npm", "ci", "--silent", "--ignore-scripts", "--no-audit", cwd=folder)
    paths = sorted((folder / "node_modules" / "graphile-worker" / "sql").glob("*.sql"))
    files = [(path.name, path.read_text().replace(":GRAPHILE_WORKER_SCHEMA", "graphile_worker")) for path in paths]
    is_module = '"type": "module"' in (folder / "node_modules" / "pg-boss" / "package.json").read_text()
    load = "import * as m from 'pg-boss'" if is_module else "const m = require('pg-boss')"
    code = f"{load}; console.log((m.PgBoss || m.default || m).getConstructionPlans('pgboss'))"
    plans = run("node", *(["--input-type=module"] if is_module else []), "-e", code, cwd=folder)
    with server.open(name) as connection:
        connection.execute("CREATE SCHEMA graphile_worker")
        apply_files(connection, files)
        connection.execute(plans.encode())
        queue = 'SELECT pgboss.create_queue(\'mail\', \'{"policy": "standard", "partition": true}\')'
        with contextlib.suppress(psycopg.Error):
            connection.execute(queue.encode())


SCHEMAS: dict[str, Callable[[Server, str, Path], None]] = {"airflow": airflow, "zabbix": zabbix, "queues": queues}


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s schemas --", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=SCHEMAS, nargs="*", default=list(SCHEMAS), help="which schemas (all)")
    options = parser.parse_args()
    broken = []
    server = Server()
    try:
        for name in options.only:
            with tempfile.TemporaryDirectory(prefix="switchyard-schemas-") as folder:
                broken += check_schema(server, name, Path(folder))
    finally:
        server.close()
    print(json.dumps({"v": 1, "broken": broken}))
    return 1 if broken else 0


def check_schema(server: Server, name: str, folder: Path) -> list[str]:
    """Build a schema, check it, plant violations, check it again, and return what the checks missed."""
    database = server.create()
    began = time.monotonic()
    SCHEMAS[name](server, database, folder)
    print(f"{name}: {SCHEMAS[name].__doc__} Took {time.monotonic() - began:.0f} s.")
    with reading(server, database) as reader:
        before, _ = describe(reader)
    copy = server.create(template=database)
    with server.open(copy) as connection:
        planted = plant(connection)
    with reading(server, copy) as reader:
        after, unchecked = check(reader)
    broken = [f"{name}: {problem}" for problem in missed(planted, counts(before), counts(after))]
    broken += [f"{name}: could not check: {place}" for place in unchecked]
    original, planted_copy = (fingerprint_of(ReferenceDatabase(server, each), VALUES) for each in (database, copy))
    drift = differences(original, planted_copy)
    texts = sorted({str(difference)[:100] for difference in drift})
    print(f"    drift between both: {len(drift)}: {'; '.join(texts)[:600]}", flush=True)
    return broken if drift else [*broken, f"{name}: no drift"]


def describe(reader: Reader) -> tuple[list[Finding], list[str]]:
    """Check a schema as it is, print its size and its findings, and return them and what the checks could not read."""
    tables, schemas, partitions = (reader.value(query, int) for query in (TABLES, SCHEMAS_QUERY, PARTITIONS_QUERY))
    relations = len(foreign_keys(reader))
    began = time.monotonic()
    findings, unchecked = check(reader)
    seconds = time.monotonic() - began
    size = f"{tables} tables in {schemas} schemas, {partitions} partitions, {relations} foreign keys"
    print(f"    {size}; the checks took {seconds:.2f} s")
    for finding in findings[:SHOWN]:
        print(f"    {finding.severity}: {finding.place}: {finding.what} [{finding.rule}]")
    print(f"    findings as it is: {counts(findings)}; could not check: {unchecked}", flush=True)
    return findings, unchecked


@contextlib.contextmanager
def reading(server: Server, name: str) -> Iterator[Reader]:
    reader = Reader(server.address(name, name), 60, VALUES, threading.Event())
    try:
        yield reader
    finally:
        reader.close()


def check(reader: Reader) -> tuple[list[Finding], list[str]]:
    """Return the checks' findings, and what the checks could not read."""
    files = [file for file in shipped() if file.check == "schema"]
    findings, unchecked, _ = run_sql_checks(files, reader, SAMPLES)
    for relation in foreign_keys(reader):
        findings += find_orphans(relation, reader, SAMPLES)
    sequences, unread, _ = sequence_findings(reader)
    return [*findings, *sequences], [*unchecked, *unread]


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    return dict(collections.Counter(finding.rule for finding in findings))


def missed(planted: dict[str, int], before: dict[str, int], after: dict[str, int]) -> list[str]:
    """Print how many planted violations each rule's check finds, and return where that is too few."""
    problems = []
    for rule, count in planted.items():
        more = after.get(rule, 0) - before.get(rule, 0)
        if not count:
            problems.append(f"{rule} could not be planted")
        print(f"    planted {count} of {rule}, {more} more findings{'' if more >= count else ': NOT ALL'}")
        if more < count:
            problems.append(f"{rule}: {more} of {count}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
