"""The check of migrations against the database's ledger."""

from __future__ import annotations

from collections.abc import Iterable

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.database_check import conclude, counted, database_check, reads_database
from switchyard.predeploy.database.ledger import Ledger
from switchyard.predeploy.database.migration_command import CommandFailed
from switchyard.predeploy.database.migration_files import (
    NO_MIGRATIONS,
    Migrations,
    live_migrations,
    migration_files,
    text_at,
)
from switchyard.predeploy.database.migration_status import (
    MigrationStatus,
    build_by_command,
    ledger_built,
    ledger_of,
    read_status,
)
from switchyard.predeploy.database.migration_version import Version, dotted, label, version
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_databases import reference_databases
from switchyard.predeploy.database.sql_file import SqlFile
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject


def _check_migrations(subject: Subject, reader: Reader) -> Result:
    if subject.app.migrations is None:
        return skipped(NO_MIGRATIONS)
    files = migration_files(subject)
    if files is None:
        return _check_command(subject, reader)
    findings = duplicates(files)
    scope = counted(len(files), "migration")
    if reader.address.source == "embedded":
        return conclude(findings, [], f"{scope}, of which no database records the applied ones", reader)
    status = read_status(subject, reader, files)
    findings += _edited(status) + _out_of_order(status) + _failed(status.ledger) + _gone(status.gone, status.ledger)
    scope += f", {len(status.pending)} of them pending by {status.ledger.table}"
    unverifiable = [file for file in status.applied if status.is_unedited(file) is None]
    if unverifiable:
        scope += f", which has no checksum to tell whether {len(unverifiable)} of the applied were edited"
    live: set[str] = set()
    try:
        if status.pending:
            live = live_migrations(subject)
            live -= _with_other_text(subject, status, live)
    except NotChecked as error:
        scope += f" (whether the live release has those is not known: {error})"
    findings += [_pending(file.path, status, live) for file in status.pending]
    return conclude(findings, [], scope, reader)


def duplicates(files: Migrations) -> list[Finding]:
    """Return the files whose version an earlier file has. Which of the two comes first is chance."""
    first: dict[Version, str] = {}
    findings = []
    do = "give the newer one the next number"
    for path, _ in files:
        number = version(path)
        if number is None:
            continue
        if number in first:
            what = f"has the number {dotted(number)}, as {label(first[number])} does"
            findings.append(Finding("duplicate-migration", what, path, do=do, text=path))
        first.setdefault(number, path)
    return findings


def _with_other_text(subject: Subject, status: MigrationStatus, live: set[str]) -> set[str]:
    """Return the changed files that have another text in the live release's commit."""
    changed = (file for file in status.pending if file.path in status.changed and file.path in live)
    return {file.path for file in changed if not _is_live(subject, file)}


def _is_live(subject: Subject, file: SqlFile) -> bool:
    return subject.live is not None and text_at(subject, subject.live.commit, file.path) == file.text


def _pending(path: str, status: MigrationStatus, live: set[str]) -> Finding:
    """Return the finding about a pending file: an error only where the live release already needs it."""
    if path in live:
        what = "the live release has it, and it was never applied"
        if path in status.changed:
            what = "the live release has it with this text, and this text was never applied"
        return Finding("unapplied", what, path, do="find out why, and apply it", text=path)
    if path in status.changed:
        what = "changed since it was applied; the deploy runs it again"
        return Finding("unapplied", what, path, severity="info")
    return Finding("unapplied", "not applied yet; the deploy applies it", path, severity="info")


def _edited(status: MigrationStatus) -> list[Finding]:
    do = "put back the text that was applied, and write a new migration"
    return [
        Finding("edited-migration", "was edited after it was applied", file.path, do=do, text=file.path)
        for file in status.applied
        if status.is_unedited(file) is False
    ]


def _out_of_order(status: MigrationStatus) -> list[Finding]:
    newest = max((version(path) or () for path, _ in status.applied), default=())
    what = f"comes before {dotted(newest)}, which is already applied"
    return [
        Finding("out-of-order-migration", what, path, do="give it the next number", text=path)
        for path, _ in status.pending
        if () < (version(path) or ()) < newest
    ]


def _failed(ledger: Ledger) -> list[Finding]:
    do = "finish or undo by hand what it began, then correct its row: migration tools stop at a failed migration"
    place = str(ledger.table)
    return [
        Finding("failed-migration", f"{entry} began and did not end", place, do=do, text=entry)
        for entry in ledger.failed
    ]


def _gone(entries: Iterable[str], ledger: Ledger, why: str = "there is no such file") -> list[Finding]:
    do = "restore its file: somebody deleted it, or a newer release ran here"
    return [
        Finding("gone-migration", f"{entry} was applied, and {why}", str(ledger.table), do=do, text=entry)
        for entry in entries
    ]


def _check_command(subject: Subject, reader: Reader) -> Result:
    """Compare the database's ledger with the one that the application's command writes."""
    if reader.address.source == "embedded":
        scope = "the schema that the command builds, of which no database records the applied migrations"
        return conclude([], [], scope, reader)
    ledger = ledger_of(subject, reader.rows)
    complete = ledger_built(subject, reference_databases(subject).build(reader.version, None))
    findings = _failed(ledger)
    findings += [
        Finding("unapplied", f"{entry} is not applied yet; the deploy applies it", str(ledger.table), severity="info")
        for entry in complete.applied
        if entry not in ledger.applied
    ]
    gone = [entry for entry in ledger.applied if entry not in complete.applied]
    unchecked = []
    why = "app.migrations.apply does not know it"
    # A ledger of the newest row alone may name a migration on the way. The command itself can tell.
    if gone and ledger.newest_only:
        try:
            build_by_command(subject, reader, ledger)
            gone = []
        except CommandFailed as error:
            why = f"{why}: {error}"
        except NotChecked as error:
            unchecked, gone = [str(error)], []
    findings += _gone(gone, ledger, why)
    return conclude(findings, unchecked, f"{counted(len(ledger.applied), 'row')} of {ledger.table}", reader)


CHECKS = (
    database_check(
        "migrations",
        "nobody edited or lost an applied migration, none has another's number, and none comes too late",
        "app.migrations, and a database with a ledger",
        reads_database(_check_migrations),
        __file__,
    ),
)
