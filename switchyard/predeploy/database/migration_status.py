"""Migrations beside the ledger: which are applied, which are pending, and what the applied ones build."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar

from switchyard.control.git import git
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.predeploy.database.connection import FetchRows, fetch
from switchyard.predeploy.database.database_setting import session_variables, setting_of
from switchyard.predeploy.database.ledger import Ledger, is_checksum_of, read_ledger
from switchyard.predeploy.database.migration_command import UNTIL
from switchyard.predeploy.database.migration_files import Migrations, text_at
from switchyard.predeploy.database.migration_version import label, sort_key, version
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_databases import reference_databases
from switchyard.predeploy.database.reference_server import ReferenceDatabase
from switchyard.predeploy.database.sql_file import SqlFile
from switchyard.predeploy.engine.subject import Subject

NO_LEDGER = (
    "no table records the applied migrations: set app.predeploy.database.ledger (table, name, and checksum where there "
    "is one)"
)
T = TypeVar("T")


@dataclass(frozen=True)
class MigrationStatus:
    """The files beside the ledger."""

    applied: Migrations
    pending: Migrations
    rows: Mapping[str, str]
    """Each file that a row of the ledger is about, with the row's name."""
    ledger: Ledger

    @property
    def gone(self) -> list[str]:
        """Rows of the ledger without a file."""
        paired = set(self.rows.values())
        return [entry for entry in self.ledger.applied if entry not in paired]

    @property
    def changed(self) -> dict[str, str]:
        """Pending files of which an earlier text was applied, each with that text's checksum."""
        checksums = {path: self.ledger.applied[self.rows[path]] for path, _ in self.pending if path in self.rows}
        return {path: checksum for path, checksum in checksums.items() if checksum is not None}

    def is_unedited(self, file: SqlFile) -> bool | None:
        """Return whether an applied file still has the text that was applied; None where no checksum tells."""
        checksum = self.ledger.applied[self.rows[file.path]] if file.path in self.rows else None
        return is_checksum_of(checksum, file.text) if checksum is not None else None


def status_of(files: Migrations, ledger: Ledger) -> MigrationStatus:
    """Divide files into applied and pending ones."""
    rows = ledger.paired([path for path, _ in files])
    applied = {path for path, _ in files if path in rows or () < (version(path) or ()) <= ledger.applied_up_to}
    applied -= {file.path for file in files if file.path in rows and _is_repeated(file, ledger, rows[file.path])}
    return MigrationStatus(
        tuple(file for file in files if file.path in applied),
        tuple(file for file in files if file.path not in applied),
        rows,
        ledger,
    )


def _is_repeated(file: SqlFile, ledger: Ledger, row: str) -> bool:
    """Return whether a file changed since this row, and the tool applies it again."""
    checksum = ledger.applied[row]
    is_repeatable = ledger.repeats and label(file.path).startswith("R__")
    return is_repeatable and checksum is not None and is_checksum_of(checksum, file.text) is False


def ledger_of(subject: Subject, fetch_rows: FetchRows) -> Ledger:
    """Return a database's ledger. Raise ``NotChecked`` where it has none."""
    ledger = read_ledger(fetch_rows, setting_of(subject).ledger)
    if ledger is None:
        raise NotChecked(NO_LEDGER)
    return ledger


def read_status(subject: Subject, reader: Reader, files: Migrations) -> MigrationStatus:
    """Compare files with the ledger of the database that is checked. Raise ``NotChecked`` where it has none."""
    return status_of(files, ledger_of(subject, reader.rows))


def ledger_built(subject: Subject, database: ReferenceDatabase) -> Ledger:
    """Return the ledger that the application's command writes into a reference database."""
    with database.open() as connection:
        for name, value in session_variables(setting_of(subject)).items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])

        def fetch_rows(query: str, row: Callable[..., T], /) -> list[T]:
            return fetch(connection, query, row)

        return ledger_of(subject, fetch_rows)


def build_by_command(subject: Subject, reader: Reader, ledger: Ledger) -> ReferenceDatabase:
    """Run the application's command as far as the ledger says. Raise ``NotChecked`` where it does not stop there."""
    databases = reference_databases(subject)
    if not ledger.applied:
        return databases.build(reader.version, ())
    for until in ("", " ".join(ledger.applied)):
        database = databases.build(reader.version, None, until)
        if ledger_built(subject, database).applied.keys() == ledger.applied.keys():
            return database
    raise NotChecked(
        f"the database is at {list(ledger.applied)[-1]} by {ledger.table}, and app.migrations.apply does not stop "
        f"there: make it stop at the value of {UNTIL} where that is set, such as "
        f'[sh, -c, "alembic upgrade ${{{UNTIL}:-head}}"]'
    )


def build_applied(
    subject: Subject, reader: Reader, files: Migrations | None
) -> tuple[ReferenceDatabase, Migrations | None]:
    """Build the migrations that the ledger says are applied. Return the database and those files.

    Without files the application's command builds it. Raise ``NotChecked`` where it cannot be built.
    """
    if files is None:
        return build_by_command(subject, reader, ledger_of(subject, reader.rows)), None
    status = read_status(subject, reader, files)
    if status.gone:
        others = len(status.gone) - 1
        raise NotChecked(f"{status.gone[0]} was applied, and no file has its statements (and {others} more)")
    earlier = (_as_applied(subject, path, checksum) for path, checksum in status.changed.items())
    applied = tuple(sorted((*status.applied, *earlier), key=lambda file: sort_key(file.path)))
    return reference_databases(subject).build(reader.version, applied), applied


def _as_applied(subject: Subject, path: str, checksum: str) -> SqlFile:
    """Find the text with this checksum in the history of a file. Raise ``NotChecked`` where no commit has it."""
    place = str(PurePath(subject.app.path) / path)
    commits = git(subject.repository, "log", "--all", "--format=%H", "--", f":(top){place}").decode()
    for commit in commits.split():
        with contextlib.suppress(SwitchyardError):  # the commit may be the one that deleted the file
            text = text_at(subject, commit, path)
            if is_checksum_of(checksum, text):
                return SqlFile(path, text)
    raise NotChecked(
        f"{path} changed since it was applied, and no commit of this clone has the text that was applied: git fetch it"
    )
