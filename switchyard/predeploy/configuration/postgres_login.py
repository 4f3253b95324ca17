"""Log in to PostgreSQL as the application's services do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import psycopg

from switchyard.control.tunnel import Tunnel
from switchyard.core.compose_document import Service
from switchyard.core.errors import NotChecked
from switchyard.predeploy.configuration.logins import (
    Clients,
    Login,
    distinct,
    from_addresses,
    from_parts,
    variable_of,
)
from switchyard.predeploy.reach import container_files

PORT = 5432
ANSWER_LIMIT = 10
"""Seconds in which PostgreSQL must accept a connection."""
DEFAULT_USER = "postgres"
USER, PASSWORD, DATABASE, AUTH_METHOD = (f"POSTGRES_{name}" for name in ("USER", "PASSWORD", "DB", "HOST_AUTH_METHOD"))
"""Variables of PostgreSQL's image."""
LIBPQ_HOST, LIBPQ_PORT, LIBPQ_USER, LIBPQ_PASSWORD, LIBPQ_DATABASE = (
    f"PG{name}" for name in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE")
)
REFUSALS = ("28P01", "28000", "3D000", "42501")
"""SQLSTATEs for a wrong password, a missing role, a missing database and a missing right."""
NEEDS_TLS = re.compile(r"no encryption$|SSL off$")
"""How a refusal ends if PostgreSQL may accept a client that speaks TLS."""
STATE = re.compile(rb"V(?:FATAL|ERROR)\x00C([0-9A-Z]{5})\x00")
"""The SQLSTATE in an error message of the protocol."""
PASSFILE_FIELD = re.compile(r"(?:^|(?<=:))((?:\\.|[^:\\])*)")
"""A field of a line of libpq's password file, in which backslashes escape colons and backslashes."""


def logins(clients: Clients, name: str, server: Service) -> Iterator[Login]:
    """Yield the logins of PostgreSQL's own variables, and of each service that names it in variables or an address."""
    return distinct(_all(clients, name, server.environment))


def _all(clients: Clients, name: str, image_variables: Mapping[str, str]) -> Iterator[Login]:
    named = clients.with_files(name, image_variables, (USER, DATABASE))
    owner = "" if named is None else named.get(USER) or DEFAULT_USER
    first_database = "" if named is None else named.get(DATABASE) or owner
    complete = clients.with_files(name, image_variables, (PASSWORD,)) if owner else None
    if complete is not None and PASSWORD in complete:
        variable = variable_of(PASSWORD, image_variables)
        yield Login(f"{name} ({variable})", owner, complete[PASSWORD], first_database)
    elif complete is not None and complete.get(AUTH_METHOD) == "trust":
        yield Login(f"{name} ({AUTH_METHOD})", owner, "", first_database)
    for client, variables in clients.variables():
        for password, login in from_parts(clients, client, variables, name):
            # libpq takes the user's name for the database unless one is set; a program has a database of its own.
            is_libpq = password == LIBPQ_PASSWORD
            user = login.user or (DEFAULT_USER if is_libpq else owner)
            database = login.database or (user if is_libpq else first_database)
            if user and database:
                yield replace(login, user=user, database=database)
        yield from _from_passfile(clients, client, variables, name)
        for login in from_addresses(clients, client, variables, name, "postgres"):
            yield replace(login, database=login.database or login.user)


def _from_passfile(clients: Clients, client: str, variables: Mapping[str, str], server: str) -> Iterator[Login]:
    """Yield what libpq takes from its password file: the first line that matches, unless a variable sets a password."""
    path = variables.get(container_files.PASSFILE)
    if not path or variables.get(LIBPQ_HOST) != server or variables.get(LIBPQ_PASSWORD):
        return
    user = variables.get(LIBPQ_USER) or DEFAULT_USER
    database, port = variables.get(LIBPQ_DATABASE) or user, variables.get(LIBPQ_PORT, "")
    text = clients.text(client, path)
    if text is None:
        return
    for line in text.splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in PASSFILE_FIELD.findall(line)]
        pattern = zip(fields, (server, port or str(PORT), database, user), strict=False)
        if len(fields) > 4 and all(field in ("*", value) for field, value in pattern):
            used_by = f"{client} ({container_files.PASSFILE})"
            yield Login(used_by, user, fields[4], database, int(port) if port.isdigit() else None)
            return
    clients.problems.append(f"{path} of service {client} has no line for {user} at {server}, database {database}")


def try_login(tunnel: Tunnel, port: int, login: Login) -> tuple[str, str]:
    """Run a query. Return why PostgreSQL refuses, empty if it does not, and its version."""
    try:
        with psycopg.connect(
            host=str(tunnel.folder),
            port=port,
            user=login.user,
            password=login.password,
            dbname=login.database,
            connect_timeout=ANSWER_LIMIT,
            application_name="switchyard",
            autocommit=True,
        ) as connection:
            connection.execute("SELECT 1")
            version = connection.info.server_version
            return "", f"PostgreSQL {version // 10000}.{version % 10000}"
    except psycopg.Error as error:
        message = str(error).strip().splitlines()[-1].rpartition("failed: ")[2]
        state = STATE.search(tunnel.heard)
        if NEEDS_TLS.search(message):
            raise NotChecked(
                f"it does not take {login.user} without TLS, and TLS is not tried here: {message}"
            ) from None
        if state and state[1].decode() in REFUSALS:
            return message, ""
        raise NotChecked(f"no answer to a query: {message}") from None
