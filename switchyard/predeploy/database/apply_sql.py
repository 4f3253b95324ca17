"""Plain SQL applied to a reference server, as a migration tool would."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psycopg
from psycopg import sql

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.connection import fetch, message_of
from switchyard.predeploy.database.sql_file import upward
from switchyard.predeploy.database.syntax_tree import RefusedSql, parse

STATEMENT_TIMEOUT = "120s"
MISSING_EXTENSION = (
    "; set app.predeploy.database.reference to the folder of a PostgreSQL on this machine that has it, such as "
    "/usr/lib/postgresql/17"
)


def apply_files(connection: psycopg.Connection, files: Iterable[tuple[str, str]]) -> None:
    """Apply files of SQL, each a path and a text, in order. Raise ``NotChecked`` with the file and the line.

    A file is one transaction, unless a statement of it cannot run in one. Every role that a file names is created
    first, and none is dropped, because all databases of a server share them.
    """
    for path, whole in files:
        text = upward(whole)
        connection.execute("RESET ALL")
        connection.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(STATEMENT_TIMEOUT)))
        try:
            statements = parse(text)
        except RefusedSql as error:
            raise NotChecked(f"{path}:{error.line}: {error}") from None
        create_roles(connection, {role for statement in statements for role in statement.roles()})
        statements = [statement for statement in statements if not statement.creates_or_drops_role]
        needs_no_transaction = any(statement.runs_alone for statement in statements)
        with contextlib.nullcontext() if needs_no_transaction else connection.transaction():
            for statement in statements:
                try:
                    connection.execute(sql.SQL(statement.sql))
                except psycopg.Error as error:
                    raise NotChecked(f"{path}:{statement.line}: {_refusal(error)}") from None


def create_roles(connection: psycopg.Connection, names: set[str], options: str = "NOLOGIN") -> None:
    """Create the roles that the server does not have yet."""
    if not names:
        return
    existing = set(fetch(connection, "SELECT rolname FROM pg_roles", str))
    for name in sorted(names - existing):
        connection.execute(sql.SQL(f"CREATE ROLE {{}} {options}").format(sql.Identifier(name)))


def _refusal(error: psycopg.Error) -> str:
    reason = message_of(error)
    is_extension = isinstance(error, psycopg.errors.FeatureNotSupported) and reason.startswith("extension ")
    return f"the embedded PostgreSQL refuses it: {reason}{MISSING_EXTENSION if is_extension else ''}"
