"""Real PostgreSQL servers for tests. The tests of one worker share them; the first that needs a server starts it."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_server import FOLDERS, NEWEST, Server

ELSEWHERE = os.environ.get("SWITCHYARD_SERVERS")
"""A folder of other servers, each in a folder named after its major version (``nox -s schemas -- versions``)."""
PRODUCTION = {
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_replication_slots": "4",
    "max_prepared_transactions": "4",
    **({"shared_preload_libraries": "pg_stat_statements"} if ELSEWHERE else {}),
}
"""Settings of a server in production. The wheel's servers do not have pg_stat_statements."""
VARIABLES = {"switchyard.ignored": "[]", "switchyard.transaction": "60s"}
"""What files of SQL read, where the settings say nothing."""
MAJORS = sorted(int(path.name) for path in Path(ELSEWHERE).iterdir()) if ELSEWHERE else sorted(FOLDERS)
EXTENSION = """DO $$ BEGIN EXECUTE format('CREATE EXTENSION %I SCHEMA {}', (SELECT min(name)
FROM pg_available_extensions WHERE name IN ('citext', 'vector'))); END $$"""
"""Creates an extension that the server has, in a schema."""
READER = """DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN
CREATE ROLE reader LOGIN IN ROLE pg_read_all_data, pg_monitor; CREATE ROLE stranger LOGIN; END IF; END $$"""
"""Creates the role of least rights that the checks ask for, and a role without rights."""


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[int], Server]]:
    """Return the function that starts the server of a major version."""
    with contextlib.ExitStack() as stack:

        def start(major: int) -> Server:
            installed = Path(ELSEWHERE) / str(major) if ELSEWHERE else None
            return stack.enter_context(contextlib.closing(Server(major, installed, **PRODUCTION)))

        yield functools.cache(start)


@pytest.fixture(params=MAJORS)
def server(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Server:
    """Run the test on each version."""
    return servers(request.param)


@pytest.fixture(params=MAJORS if ELSEWHERE else [NEWEST])
def newest(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Server:
    """Run the test on the newest version; on each where other servers are given."""
    return servers(request.param)


@pytest.fixture
def eighteen(servers: Callable[[int], Server]) -> Server:
    """Run the test on PostgreSQL 18, the first version with what it is about."""
    return servers(18)


def fresh(server: Server, *texts: str) -> str:
    """Create a database, run these texts in it, and return its name."""
    name = server.create()
    with server.open(name) as connection:
        for text in texts:
            connection.execute(sql.SQL(text))
    return name


def url(server: Server, database: str, user: str = "postgres") -> str:
    """Return the address of a database."""
    return f"postgresql://{user}@/{database}?host={server.folder}"


@contextlib.contextmanager
def idle(server: Server, database: str, *texts: str) -> Iterator[psycopg.Connection]:
    """Hold a transaction of another client open after these statements."""
    with psycopg.connect(url(server, database)) as connection:
        for text in texts:
            connection.execute(sql.SQL(text))
        yield connection
        connection.rollback()


@contextlib.contextmanager
def open_reader(server: Server, *texts: str) -> Iterator[Reader]:
    """Open a reader of a new database in which these texts ran."""
    reader = Reader(server.address(fresh(server, *texts), "here"), 30, VARIABLES, threading.Event())
    yield reader
    reader.close()
