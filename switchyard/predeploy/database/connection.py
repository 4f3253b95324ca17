"""Connections to PostgreSQL, and rows as typed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import args_row

from switchyard.core.errors import NotChecked

CONNECT_SECONDS_MAX = 10
APPLICATION = "switchyard predeploy"
CANONICAL_SETTINGS = {"search_path": "", "timezone": "UTC", "datestyle": "ISO, MDY", "intervalstyle": "postgres"}
"""Settings of a session that change how a server prints definitions and values."""

Query: TypeAlias = str | sql.SQL | sql.Composed
T = TypeVar("T")


@dataclass(frozen=True)
class Parameters:
    """libpq's parameters of a connection. None leaves one to libpq's default."""

    host: str | None = None
    """Several hosts are separated by commas, and so are their ports."""
    hostaddr: str | None = None
    port: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    dbname: str | None = None
    sslmode: str | None = None
    sslrootcert: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    """Parameters that Switchyard passes on unread."""

    @classmethod
    def parse(cls, url: str) -> Parameters:
        """Parse an address in either of libpq's forms. Raise ``psycopg.Error`` where it has neither."""
        parsed = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        return cls(
            parsed.pop("host", None),
            parsed.pop("hostaddr", None),
            parsed.pop("port", None),
            parsed.pop("user", None),
            parsed.pop("password", None),
            parsed.pop("dbname", None),
            parsed.pop("sslmode", None),
            parsed.pop("sslrootcert", None),
            others=parsed,
        )

    def by_name(self) -> dict[str, str]:
        """Return the parameters that have a value, by libpq's names."""
        return {**self.others, **{name: value for name, value in vars(self).items() if isinstance(value, str)}}


@dataclass(frozen=True)
class Address:
    """How to reach a database."""

    description: str
    """Names the database in messages; holds no secret."""
    source: Literal["host", "url", "embedded"]
    parameters: Parameters = field(repr=False)


class FetchRows(Protocol):
    """Runs a statement and returns its rows, each built by ``row`` from the columns in their order."""

    def __call__(self, query: str, row: Callable[..., T], /) -> list[T]: ...


def connect(address: Address, *, autocommit: bool = False) -> psycopg.Connection:
    """Open a connection that prepares no statement. Raise ``NotChecked``, without the password in its message."""
    defaults = {
        "connect_timeout": str(CONNECT_SECONDS_MAX),
        "application_name": APPLICATION,
        "client_encoding": "UTF8",
        "keepalives_idle": "10",
    }
    try:
        conninfo = make_conninfo("", **{**defaults, **address.parameters.by_name()})
        return psycopg.connect(conninfo, autocommit=autocommit, prepare_threshold=None)
    except psycopg.Error as error:
        raise NotChecked(f"{address.description}: cannot connect: {without_password(str(error), address)}") from None


def fetch(
    connection: psycopg.Connection, query: Query, row: Callable[..., T], values: Sequence[str] | None = None
) -> list[T]:
    """Run a statement and return its rows, each built by ``row`` from the columns in their order."""
    statement = sql.SQL(query) if isinstance(query, str) else query
    with connection.cursor(row_factory=args_row(row)) as cursor:
        return cursor.execute(statement, values).fetchall()


def without_password(text: str, address: Address) -> str:
    """Return a text on one line, with the address's password masked."""
    password = address.parameters.password
    text = " ".join(text.split())
    return text.replace(password, "•••") if password else text


def message_of(error: psycopg.Error) -> str:
    """Return the server's first sentence, or the client library's words where the server sent none."""
    return error.diag.message_primary or str(error)
