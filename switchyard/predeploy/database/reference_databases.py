"""Databases that the application's migrations build on reference servers, shared by the checks of a run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NamedTuple

from switchyard.core.errors import NotChecked
from switchyard.predeploy.configuration.local_files import need_of_file
from switchyard.predeploy.database.apply_sql import apply_files
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.migration_command import run_migration_command
from switchyard.predeploy.database.migration_files import Migrations
from switchyard.predeploy.database.postgres_services import database_owner
from switchyard.predeploy.database.reference_server import (
    NEWEST,
    ReferenceDatabase,
    Server,
    major_of,
    require_owner_alone,
)
from switchyard.predeploy.engine.subject import Subject

GROUP = "database"
"""The group of checks after which servers stop and connections close."""


class _Schema(NamedTuple):
    """What a reference database holds."""

    major: int
    migrations: Migrations | None
    until: str


class ReferenceDatabases:
    """The reference servers of one run, and what was built on them. Each is built once."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._lock = threading.RLock()
        self._servers: dict[tuple[int, str], Server] = {}
        self._built: dict[_Schema, ReferenceDatabase | NotChecked] = {}

    def build(self, major: int, migrations: Migrations | None, until: str = "") -> ReferenceDatabase:
        """Return a database with these migrations; None runs the application's command, as far as ``until``.

        Nobody may write to it, because it is the template of copies. Raise ``NotChecked`` where it cannot be built.
        """
        server = self._server(major, until)
        schema = _Schema(server.major, migrations, until)
        with self._lock:
            if schema not in self._built:
                self._built[schema] = self._build(server, migrations, until)
            database = self._built[schema]
            if isinstance(database, NotChecked):
                raise database
            return database

    def _build(self, server: Server, migrations: Migrations | None, until: str) -> ReferenceDatabase | NotChecked:
        database = ReferenceDatabase(server, server.create(owner=database_owner(self._subject)))
        try:
            if migrations is None:
                run_migration_command(self._subject, database, until)
            else:
                with database.open() as connection:
                    apply_files(connection, migrations)
        except NotChecked as error:
            return error
        return database

    def _server(self, major: int, until: str) -> Server:
        """Return the server of the nearest major version, or the one that the settings name.

        Each run of the application's command has a server of its own: the command may create roles, which all databases
        of a server share.
        """
        folder = setting_of(self._subject).reference
        if folder:
            self._subject.allowances.require([need_of_file(self._subject, ("database", "reference"), folder)])
        installed = Path(folder).expanduser() if folder else None
        major = major_of(installed) if installed else 16 if major <= 16 else NEWEST
        require_owner_alone(major)
        with self._lock:
            if (major, until) not in self._servers:
                self._servers[major, until] = Server(major, installed)
                self._subject.closing_after(GROUP).callback(self._servers[major, until].close)
            return self._servers[major, until]


def reference_databases(subject: Subject) -> ReferenceDatabases:
    """Return the reference databases that the checks of this run share."""
    databases: ReferenceDatabases = subject.once("reference databases", lambda: ReferenceDatabases(subject))
    return databases
