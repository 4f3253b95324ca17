"""The check that the database is what its migrations build from nothing."""

from __future__ import annotations

import contextlib

import psycopg
from psycopg import sql

from switchyard.predeploy.database.connection import fetch
from switchyard.predeploy.database.database_check import conclude, counted, database_check, reads_database
from switchyard.predeploy.database.database_setting import session_variables, setting_of
from switchyard.predeploy.database.fingerprint import Difference, differences, fingerprint_of, read_fingerprint
from switchyard.predeploy.database.migration_files import NO_MIGRATIONS, migration_files
from switchyard.predeploy.database.migration_status import build_applied, ledger_of
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_server import ReferenceDatabase
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject


def _check_drift(subject: Subject, reader: Reader) -> Result:
    if subject.app.migrations is None:
        return skipped(NO_MIGRATIONS)
    setting = setting_of(subject)
    if reader.address.source == "embedded":
        return skipped(
            "the embedded database is what the migrations build: give --host, or an address in "
            f"{setting.url_from}, to compare a real one with it"
        )
    reference, applied = build_applied(subject, reader, migration_files(subject))
    ledger = ledger_of(subject, reader.rows)
    expected = fingerprint_of(reference, session_variables(setting))
    drift = [
        difference
        for difference in differences(expected, read_fingerprint(reader), {str(ledger.table)})
        if not is_reworded_view(difference, reference)
    ]
    origin = "its migrations" if applied is None else counted(len(applied), "migration")
    scope = f"{counted(len(expected), 'object')} that {origin} built in PostgreSQL {reference.server.major}"
    return conclude([_finding(each) for each in drift], [], scope, reader, objects=len(expected))


def is_reworded_view(difference: Difference, reference: ReferenceDatabase) -> bool:
    """Return whether a view differs only in how another version of the server prints it.

    Servers before 16 print the table before each column of a view; later ones do not.
    """
    if difference.how != "changed" or difference.key.kind not in ("view", "materialized view"):
        return False
    with (
        reference.open() as connection,
        contextlib.suppress(psycopg.Error),
        connection.transaction(force_rollback=True),
    ):
        connection.execute("SELECT set_config('search_path', '', true)")
        connection.execute(sql.SQL("CREATE TEMP VIEW again AS {}").format(sql.SQL(difference.actual)), binary=True)
        return fetch(connection, "SELECT pg_get_viewdef('pg_temp.again'::regclass)", str) == [difference.expected]
    return False


def _finding(difference: Difference) -> Finding:
    """Return an error; a warning for an extra extension, which operators often add (statistics, jobs)."""
    key = difference.key
    do = "write a migration that does it, or undo what was done by hand"
    severity = "warn" if (key.kind, difference.how) == ("extension", "extra") else "error"
    rule = f"drift-{difference.how}"
    return Finding(rule, str(difference), difference.place, None, do, severity, f"{key.kind} {key.name}")


CHECKS = (
    database_check(
        "drift",
        "the database is what its migrations build from nothing",
        "app.migrations, and a database with a ledger",
        reads_database(_check_drift),
        __file__,
    ),
)
