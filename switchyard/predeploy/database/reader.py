"""Connections that only read, all at one instant, each statement with a limit, and ended by Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.fingerprint import SPELLING

CONNECT_WITHIN = 10
"""Seconds in which a server must answer."""
LOCK_WITHIN = "1s"
IDLE_WITHIN = "10min"
"""For how long a transaction may wait for its next statement; the one that keeps the instant waits for the others."""
LOOK_EVERY = 0.1
"""Seconds between two looks at whether Ctrl-C came."""
MOST = 4
"""Connections at most."""
APPLICATION = "switchyard predeploy"
MARK = "/* switchyard predeploy */"
"""Within each statement, so that the server's statistics tell it from the application's."""
_BEGINS = re.compile(r"(?:[\s(]|--[^\n]*(?:\n|$)|/\*.*?\*/)*\w*", re.DOTALL)
AS_THE_ROLE = "; ".join(
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

Query = str | sql.SQL | sql.Composed


@dataclass(frozen=True)
class Address:
    """How a database is reached. ``words`` name it for people and hold no secret."""

    words: str
    source: str
    """host, url or embedded."""
    parameters: Mapping[str, Any] = field(repr=False)
    """What libpq takes, the password among it."""


class Stopped(NotChecked):
    """A statement that was ended before its end: by a limit, by a lock, or by Ctrl-C."""


class NotAllowed(NotChecked):
    """The role may not read it, or not all of it."""


class Reader:
    """Connections to one database that all see one instant of it."""

    def __init__(self, address: Address, timeout: int, values: Mapping[str, str], cancelled: threading.Event) -> None:
        """``values``: what the files of SQL read with ``current_setting``."""
        self.address = address
        self._settings = {
            **SPELLING,
            "statement_timeout": f"{timeout}s",
            "lock_timeout": LOCK_WITHIN,
            "idle_in_transaction_session_timeout": IDLE_WITHIN,
            "row_security": "off",
            "default_transaction_read_only": "on",
            "jit": "off",
            "work_mem": "64MB",
            "max_parallel_workers_per_gather": "0",
            **values,
        }
        self.timeout = timeout
        self._cancelled = cancelled
        self._closed = threading.Event()
        self._all: list[psycopg.Connection[Any]] = []
        self._lock = threading.Lock()
        self._keeper = self._connect()
        info = self._keeper.info
        self.version = info.server_version // 10000
        self.server = str(info.parameter_status("server_version") or self.version).split()[0]
        with self._told():
            self.snapshot = self._keeper.execute("SELECT pg_export_snapshot()").fetchone()[0]  # type: ignore[index]
        self.width = min(os.cpu_count() or 1, MOST)
        self._free: queue.Queue[psycopg.Connection[Any] | None] = queue.Queue()
        for _ in range(self.width):
            self._free.put(None)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def words(self) -> str:
        """Server, version and source."""
        return f"PostgreSQL {self.server} {self.address.words}"

    @property
    def facts(self) -> dict[str, Any]:
        """The same for programs."""
        return {"server": self.address.words, "version": self.server, "source": self.address.source}

    def read(
        self, query: Query, values: Sequence[Any] | None = None, *, own: bool = False
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The columns and rows of one statement, in a transaction of its own at the one instant.

        ``own``: the statement is the application's and names tables and dates as it does, by the settings that the
        role has by itself. Raises ``Stopped`` where it ran into a limit, ``NotAllowed`` where the role may not read all
        of it, and ``NotChecked`` for anything else that the server says.
        """
        with self._looking(own=own) as connection:
            done = connection.execute(_marked(query, connection), values, binary=True)
            return [column.name for column in done.description or ()], done.fetchall()

    def timed(self, query: str, rounds: int, values: Sequence[Any] = ()) -> tuple[list[float], dict[str, Any]]:
        """The seconds after which a client has every row, one after the other on one connection; and the plan.

        The query is the application's; ``values`` are bound to its ``$1``, ``$2`` and so on.
        """
        taken = []
        with self._looking(own=True) as connection, psycopg.RawCursor(connection) as cursor:
            for _ in range(rounds):
                began = time.monotonic()
                cursor.execute(_marked(query, connection), values, binary=True).fetchall()
                taken.append(time.monotonic() - began)
            explained = cursor.execute(f"EXPLAIN (FORMAT JSON) {query}", values).fetchone()
        return taken, explained[0][0]["Plan"]  # type: ignore[index]

    def rows(self, query: Query, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        return self.read(query, values)[1]

    def close(self) -> None:
        """Ends every connection."""
        self._closed.set()
        for connection in self._all:
            connection.close()

    @contextlib.contextmanager
    def _looking(self, *, own: bool) -> Iterator[psycopg.Connection[Any]]:
        """A connection in a transaction at the one instant."""
        with self._borrowed() as connection, self._told(), connection.transaction():
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self.snapshot)))
            if own:
                connection.execute(AS_THE_ROLE)
            yield connection

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[psycopg.Connection[Any]]:
        connection = self._free.get()
        try:
            if self._cancelled.is_set():
                raise Stopped("cancelled")
            if connection is None or connection.closed:
                connection = self._connect()
            yield connection
        finally:
            self._free.put(connection)

    def _connect(self) -> psycopg.Connection[Any]:
        connection = connect(self.address, autocommit=True)
        with self._lock:
            self._all.append(connection)
        with self._told():
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
    def _told(self) -> Iterator[None]:
        """What the server says, as what a check says."""
        try:
            yield
        except psycopg.errors.QueryCanceled:
            raise Stopped("cancelled" if self._cancelled.is_set() else f"no end within {self.timeout} s") from None
        except psycopg.errors.LockNotAvailable:
            raise Stopped(f"waited for a lock for longer than {LOCK_WITHIN}") from None
        except psycopg.errors.InsufficientPrivilege as error:
            raise NotAllowed(_first(error)) from None
        except psycopg.Error as error:
            raise NotChecked(f"{self.address.words}: {without_secret(_first(error), self.address)}") from None

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_EVERY):
            if self._cancelled.is_set():
                for connection in list(self._all):
                    with contextlib.suppress(psycopg.Error):
                        connection.cancel_safe(timeout=2)


def _require_own_session(connection: psycopg.Connection[Any], address: Address) -> None:
    """A pooler announces a process of its own making; what is set there would stay for whoever comes next."""
    (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()  # type: ignore[misc]
    if process != connection.info.backend_pid:
        raise NotChecked(f"{address.words}: a connection pooler stands before it; name the server's own address")


def _marked(query: Query, connection: psycopg.Connection[Any]) -> str:
    """With the mark behind its first word: PostgreSQL 18 keeps no comment from before it, and none what a ; ends."""
    text = query if isinstance(query, str) else query.as_string(connection)
    return _BEGINS.sub(lambda match: f"{match.group()} {MARK} ", text, count=1)


def connect(address: Address, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A connection that prepares nothing. Raises ``NotChecked`` without the password."""
    more = {
        "connect_timeout": CONNECT_WITHIN,
        "application_name": APPLICATION,
        "client_encoding": "UTF8",
        "keepalives_idle": 10,
    }
    try:
        return psycopg.connect(**{**more, **address.parameters}, autocommit=autocommit, prepare_threshold=None)
    except psycopg.Error as error:
        raise NotChecked(f"{address.words}: no connection: {without_secret(str(error), address)}") from None


def without_secret(text: str, address: Address) -> str:
    """A text in which the password does not stand."""
    password = str(address.parameters.get("password") or "")
    text = " ".join(text.split())
    return text.replace(password, "•••") if password else text


def _first(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)
