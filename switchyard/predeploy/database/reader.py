"""Read-only connections that see one instant of a database. Every statement has a time limit, and Ctrl-C cancels it."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import args_row, scalar_row

from switchyard.core.errors import NotChecked
from switchyard.core.wire.message import Json
from switchyard.predeploy.database.connection import (
    CANONICAL_SETTINGS,
    Address,
    Query,
    connect,
    fetch,
    message_of,
    without_password,
)

LOCK_WAIT_MAX = "1s"
IDLE_MAX = "10min"
"""How long a transaction may wait for its next statement. The one that exports the snapshot waits for all others."""
ROWS_MOST = 10_000
"""Rows of a statement of unknown columns that are kept."""
SIZE_MOST = 16 * 1024 * 1024
"""Characters and bytes in them, before the last."""
CANCEL_POLL_SECONDS = 0.1
CONNECTIONS_MAX = 4
MARK = "/* switchyard predeploy */"
"""Stands in each statement, so that pg_stat_statements tells it from the application's."""
_FIRST_WORD = re.compile(r"(?:[\s(]|--[^\n]*(?:\n|$)|/\*.*?\*/)*\w*", re.DOTALL)
ROLE_SETTINGS = "; ".join(
    f"SET LOCAL {name} TO DEFAULT"
    for name in (
        "search_path",
        "timezone",
        "datestyle",
        "intervalstyle",
        "jit",
        "work_mem",
        "max_parallel_workers_per_gather",
    )
)
"""Gives a transaction the settings that the role and the database have by themselves."""

T = TypeVar("T")


class Stopped(NotChecked):
    """A statement that a limit, a lock or Ctrl-C stopped."""


class NotAllowed(NotChecked):
    """A statement that the role has no right to run, or whose rows it sees in part."""


@dataclass(frozen=True)
class Table:
    """The rows of a statement whose columns nobody knows beforehand."""

    columns: list[str]
    rows: list[tuple[object, ...]]
    """The first of them, as many as fit."""
    number: int
    """How many there were."""


class _Kept:
    """Keeps the first rows of a statement, and counts the others."""

    def __init__(self) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.number = 0
        self._size = 0

    def add(self, row: tuple[object, ...]) -> None:
        self.number += 1
        if self.number <= ROWS_MOST and self._size <= SIZE_MOST:
            self._size += sum(len(value) for value in row if isinstance(value, (str, bytes, list)))
            self.rows.append(row)


class Reader:
    """Connections to one database that all see one instant of it."""

    def __init__(
        self, address: Address, timeout: int, variables: Mapping[str, str], cancelled: threading.Event
    ) -> None:
        """Connect. ``timeout`` is in seconds; files of SQL read ``variables`` with ``current_setting``."""
        self.address = address
        self._settings = {
            **CANONICAL_SETTINGS,
            "statement_timeout": f"{timeout}s",
            "lock_timeout": LOCK_WAIT_MAX,
            "idle_in_transaction_session_timeout": IDLE_MAX,
            "row_security": "off",
            "standard_conforming_strings": "on",  # as the parser reads the text that the rule for SQL looked at
            "default_transaction_read_only": "on",
            "jit": "off",
            "work_mem": "64MB",
            "max_parallel_workers_per_gather": "0",
            **variables,
        }
        self.timeout = timeout
        self._cancelled = cancelled
        self._closed = threading.Event()
        self._connections: list[psycopg.Connection] = []
        self._lock = threading.Lock()
        self._exporter = self._connect()
        info = self._exporter.info
        self.version = info.server_version // 10000
        """The server's major version."""
        self.server = str(info.parameter_status("server_version") or self.version).split()[0]
        with self._translated(), self._exporter.cursor(row_factory=args_row(str)) as cursor:
            (self.snapshot,) = cursor.execute("SELECT pg_export_snapshot()").fetchall()
        self.width = min(os.cpu_count() or 1, CONNECTIONS_MAX)
        """How many statements can run at once."""
        self._free: queue.Queue[psycopg.Connection | None] = queue.Queue()
        for _ in range(self.width):
            self._free.put(None)
        threading.Thread(target=self._watch_for_cancel, daemon=True).start()

    @property
    def description(self) -> str:
        """Server, version and source, for messages."""
        return f"PostgreSQL {self.server} {self.address.description}"

    @property
    def facts(self) -> dict[str, Json]:
        """The same for the report's JSON."""
        return {"server": self.address.description, "version": self.server, "source": self.address.source}

    def rows(
        self,
        query: Query,
        row: Callable[..., T],
        values: Sequence[str] | None = None,
        *,
        as_role: bool = False,
    ) -> list[T]:
        """Run one statement and return its rows, each built by ``row`` from the columns in their order.

        ``as_role``: the statement is the application's, or names tables and times as it does, so it runs with the
        settings of the role. Raise ``Stopped`` at a limit, ``NotAllowed`` where the role lacks a right, and
        ``NotChecked`` for every other error of the server.
        """
        with self._transaction(as_role=as_role) as connection, connection.cursor(row_factory=args_row(row)) as cursor:
            return cursor.execute(_marked(query, connection), values, binary=True).fetchall()

    def value(
        self, query: Query, kind: type[T], values: Sequence[str] | None = None, *, as_role: bool = False
    ) -> T | None:
        """Return the one value that a statement returns; None for NULL. Raise as ``rows`` does."""
        with self._transaction(as_role=as_role) as connection, connection.cursor(row_factory=scalar_row) as cursor:
            value = cursor.execute(_marked(query, connection), values, binary=True).fetchone()
        if value is None or isinstance(value, kind):
            return value
        raise TypeError(f"expected {kind.__name__} of the server, got {type(value).__name__}")

    def table(self, query: Query, *, as_role: bool) -> Table:
        """Run one statement and return its columns and rows. ``as_role`` and errors are those of ``rows``."""
        with self._transaction(as_role=as_role) as connection:
            cursor = connection.cursor()
            kept = _Kept()
            for row in cursor.stream(_marked(query, connection), binary=True):
                kept.add(row)
            return Table([column.name for column in cursor.description or ()], kept.rows, kept.number)

    def time(self, query: str, rounds: int, values: Sequence[Json] = ()) -> tuple[list[float], Json]:
        """Return the seconds until a client has every row, for each run on one connection, and EXPLAIN's JSON.

        The query is the application's. ``values`` are bound to its ``$1``, ``$2`` and so on.
        """
        seconds = []
        with self._transaction(as_role=True) as connection, psycopg.RawCursor(connection) as cursor:
            for _ in range(rounds):
                start = time.monotonic()
                cursor.execute(_marked(query, connection), values, binary=True).fetchall()
                seconds.append(time.monotonic() - start)
            with psycopg.RawCursor(connection, row_factory=scalar_row) as explain:
                plan: Json = explain.execute(f"EXPLAIN (FORMAT JSON) {query}", values).fetchone()
        return seconds, plan

    def close(self) -> None:
        """Close every connection."""
        self._closed.set()
        for connection in self._connections:
            connection.close()

    @contextlib.contextmanager
    def _transaction(self, *, as_role: bool) -> Iterator[psycopg.Connection]:
        """Lend a connection in a transaction that sees the snapshot."""
        with self._borrowed() as connection, self._translated(), connection.transaction():
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self.snapshot)))
            if as_role:
                connection.execute(ROLE_SETTINGS)
            yield connection

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[psycopg.Connection]:
        connection = self._free.get()
        try:
            if self._cancelled.is_set():
                raise Stopped("cancelled")
            if connection is None or connection.closed:
                connection = self._connect()
            yield connection
        finally:
            self._free.put(connection)

    def _connect(self) -> psycopg.Connection:
        connection = connect(self.address, autocommit=True)
        with self._lock:
            self._connections.append(connection)
        with self._translated():
            _require_own_session(connection, self.address)
            names = list(self._settings)
            connection.execute(
                "SELECT " + ", ".join(["set_config(%s, %s, false)"] * len(names)),
                [part for name in names for part in (name, self._settings[name])],
            )
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return connection

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise the server's errors as reasons of a check."""
        try:
            yield
        except psycopg.errors.QueryCanceled:
            raise Stopped("cancelled" if self._cancelled.is_set() else f"no end within {self.timeout} s") from None
        except psycopg.errors.LockNotAvailable:
            raise Stopped(f"waited for a lock for longer than {LOCK_WAIT_MAX}") from None
        except psycopg.errors.InsufficientPrivilege as error:
            raise NotAllowed(message_of(error)) from None
        except psycopg.Error as error:
            reason = without_password(message_of(error), self.address)
            raise NotChecked(f"{self.address.description}: {reason}") from None

    def _watch_for_cancel(self) -> None:
        while not self._closed.wait(CANCEL_POLL_SECONDS):
            if self._cancelled.is_set():
                for connection in list(self._connections):
                    with contextlib.suppress(psycopg.Error):
                        connection.cancel_safe(timeout=2)


def _require_own_session(connection: psycopg.Connection, address: Address) -> None:
    """Refuse a connection pooler: settings of its sessions would stay for whoever gets them next.

    A pooler announces a process id of its own making.
    """
    (process,) = fetch(connection, "SELECT pg_backend_pid()", int)
    if process != connection.info.backend_pid:
        raise NotChecked(
            f"{address.description}: a connection pooler answers in the server's place; give the server's own address"
        )


def _marked(query: Query, connection: psycopg.Connection) -> str:
    """Put the mark behind the first word.

    PostgreSQL 18 keeps no comment from before a statement, and no version keeps one that follows a semicolon.
    """
    text = query if isinstance(query, str) else query.as_string(connection)
    return _FIRST_WORD.sub(lambda match: f"{match.group()} {MARK} ", text, count=1)
