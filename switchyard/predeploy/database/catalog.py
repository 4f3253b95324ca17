"""The checks that are files of SQL: Switchyard's own and the application's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.database.database_check import concluded, counted, reading
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.sql_checks import SEVERITIES, SqlFile, read, shipped
from switchyard.predeploy.database.target_database import setting_of
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject

OWN = "sql/checks"
"""The folder of the application's own."""
SHOWN = 200
"""Characters of a row that is shown as it is."""


def findings(file: SqlFile, columns: Sequence[str], rows: Sequence[Sequence[Any]], samples: int) -> list[Finding]:
    """A finding for each row; for rows that say nothing of themselves, their number and as many as may be shown."""
    if list(columns[:2]) == ["place", "what"]:
        return [_told(file, dict(zip(columns, row, strict=True))) for row in rows]
    if not rows:
        return []
    shown = "; ".join(
        ", ".join(f"{name}={value}" for name, value in zip(columns, row, strict=True))[:SHOWN] for row in rows[:samples]
    )
    what = f"{counted(len(rows), 'row')} against: {file.promises}" + (f" Among them: {shown}" if shown else "")
    return [Finding(file.id, what, file.place, do=file.do, severity=file.severity, text=file.id)]


def _told(file: SqlFile, row: dict[str, Any]) -> Finding:
    severity = row.get("severity") if row.get("severity") in SEVERITIES else file.severity
    return Finding(file.id, str(row["what"]), str(row["place"]), do=file.do, severity=str(severity))


def run_files(
    files: Sequence[SqlFile], reader: Reader, samples: int, *, own: bool = False
) -> tuple[list[Finding], list[str], list[SqlFile]]:
    """Findings, what could not be looked at, and which files ran."""
    found: list[Finding] = []
    unlooked: list[str] = []
    ran = []
    for file in files:
        if not file.runs_on(reader.version):
            continue
        ran.append(file)
        try:
            columns, rows = reader.read(file.sql, own=own)
        except NotChecked as error:
            words = f"{file.place}: {error}"
            if file.severity == "error":
                unlooked.append(words)
            else:
                found.append(Finding(file.id, f"could not be looked at: {error}", file.place, severity=file.severity))
            continue
        found += findings(file, columns, rows, samples)
    return found, unlooked, ran


def _schema(subject: Subject, reader: Reader) -> Result:
    files = [file for file in shipped() if file.check == "schema"]
    found, unlooked, ran = run_files(files, reader, setting_of(subject).samples)
    tables = reader.rows(TABLES)[0][0]
    looked = f"{counted(tables, 'table')}, {counted(len(ran), 'file')} of sql/checks"
    if not tables and not unlooked:
        return concluded(found, ["there is no table, so nothing was looked at"], looked, reader)
    return concluded(found, unlooked, looked, reader, tables=tables)


TABLES = """SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_SEES_ALL = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"


def _server(subject: Subject, reader: Reader) -> Result:
    if reader.address.source == "embedded":
        return skipped(
            "an embedded PostgreSQL stands in, whose condition says nothing: give --host, or an address in "
            f"{setting_of(subject).url_from}"
        )
    files = [file for file in shipped() if file.check == "server"]
    found, unlooked, ran = run_files(files, reader, setting_of(subject).samples)
    if not reader.rows(_SEES_ALL)[0][0]:
        unlooked.append("the role does not see what others do: GRANT pg_monitor TO it")
    return concluded(found, unlooked, f"{counted(len(ran), 'file')} of sql/checks", reader)


def own_files(folder: Path) -> tuple[list[SqlFile], list[str]]:
    """The application's own checks, and what is wrong with those that are refused."""
    good: list[SqlFile] = []
    bad: list[str] = []
    for path in sorted((folder / OWN).glob("*.sql")):
        place = f"{OWN}/{path.name}"
        try:
            file = read(path, place)
            twin = next((other for other in good if other.id == file.id), None)
            if twin is not None:
                raise BadInput(f"{place}:1: {twin.place} has the id {file.id} too")
            good.append(file)
        except BadInput as error:
            bad.append(str(error))
    return good, bad


def _own(subject: Subject) -> Result:
    files, refused = own_files(subject.folder)
    if not files and not refused:
        return skipped(f"the application has no checks of its own in {OWN}/")
    return reading(lambda subject, reader: _run_own(subject, reader, files, refused))(subject)


def _run_own(subject: Subject, reader: Reader, files: list[SqlFile], refused: list[str]) -> Result:
    found, unlooked, ran = run_files(files, reader, setting_of(subject).samples, own=True)
    looked = f"{counted(len(ran), 'file')} of {OWN}"
    left = [file.place for file in files if file not in ran]
    if left:
        looked += f"; {', '.join(left)} {'is' if len(left) == 1 else 'are'} for other versions of the server"
    if left and not ran:
        unlooked.append("no file is for this version of the server")
    return concluded(found, [*refused, *unlooked], looked, reader)


CHECKS = (
    Check(
        "schema",
        "database",
        "every file of sql/checks about tables, indexes, constraints and triggers finds nothing",
        "a database, or migrations that build one",
        reading(_schema),
        Path(__file__),
        lasts=never,
    ),
    Check(
        "server",
        "database",
        "the server has room for a second colour, and nothing on it would hold a migration up",
        "a host, or an address of a database",
        reading(_server),
        Path(__file__),
        lasts=never,
    ),
    Check(
        "own",
        "database",
        f"the application's own checks in {OWN}/ find nothing",
        f"{OWN}/*.sql in the application's folder",
        _own,
        Path(__file__),
        lasts=never,
    ),
)
