"""Migrations against the ledger of the database, and the database against what they build."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import psycopg
from psycopg import sql

from switchyard.control import commit as git_source
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.predeploy.database import ledger as ledgers
from switchyard.predeploy.database import target_database
from switchyard.predeploy.database.database_check import concluded, counted, reading
from switchyard.predeploy.database.fingerprint import QUERY, SPELLING, Difference, Key, differences
from switchyard.predeploy.database.ledger import Ledger
from switchyard.predeploy.database.migration_version import Version, in_order, label, spoken, version
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject

Files = tuple[tuple[str, str], ...]
NO_MIGRATIONS = "set app.migrations (service, and files or apply) to have migrations looked at"
NO_LEDGER = (
    "no table says which migrations were applied: set app.predeploy.database.ledger (table, name, and checksum where "
    "it has one)"
)


@dataclass(frozen=True)
class Standing:
    """The files beside the ledger."""

    applied: Files
    pending: Files
    rows: Mapping[str, str]
    """Each file that a row of the ledger means, with that row."""
    ledger: Ledger

    @property
    def gone(self) -> list[str]:
        """Rows of the ledger that no file has."""
        meant = set(self.rows.values())
        return [entry for entry in self.ledger.applied if entry not in meant]

    @property
    def again(self) -> dict[str, str]:
        """Each pending file that was applied as it was before, with its checksum then."""
        was = {path: self.ledger.applied[self.rows[path]] for path, _ in self.pending if path in self.rows}
        return {path: checksum for path, checksum in was.items() if checksum is not None}


def standing(files: Files, ledger: Ledger) -> Standing:
    """Which files were applied, which were not, and what was applied that no file is."""
    rows = ledger.paired([path for path, _ in files])
    applied = {path for path, _ in files if path in rows or () < (version(path) or ()) <= ledger.upto}
    applied -= {path for path, text in files if path in rows and _runs_again(path, text, ledger, rows[path])}
    return Standing(
        tuple(each for each in files if each[0] in applied),
        tuple(each for each in files if each[0] not in applied),
        rows,
        ledger,
    )


def _runs_again(path: str, text: str, ledger: Ledger, row: str) -> bool:
    """Whether what was applied by this row changed, and is meant to."""
    checksum = ledger.applied[row]
    is_repeatable = ledger.repeats and label(path).startswith("R__")
    return is_repeatable and checksum is not None and ledgers.same(checksum, text) is False


def ledger_of(subject: Subject, rows: ledgers.Rows) -> Ledger:
    """The ledger of a database. Raises ``NotChecked`` where it has none."""
    found = ledgers.read(rows, target_database.setting_of(subject).ledger)
    if found is None:
        raise NotChecked(NO_LEDGER)
    return found


def of_database(subject: Subject, reader: Reader, files: Files) -> Standing:
    """The files beside the ledger of the database that is read. Raises ``NotChecked`` where it has none."""
    return standing(files, ledger_of(subject, reader.rows))


def _migrations(subject: Subject, reader: Reader) -> Result:
    if subject.app.migrations is None:
        return skipped(NO_MIGRATIONS)
    files = target_database.migration_files(subject)
    if files is None:
        return _by_command(subject, reader)
    found = duplicates(files)
    looked = counted(len(files), "migration")
    if reader.address.source == "embedded":
        return concluded(found, [], f"{looked}, of which no database says what was applied", reader)
    now = of_database(subject, reader, files)
    found += _edited(now) + _out_of_order(now) + _failed(now.ledger) + _gone(now.gone, now.ledger)
    looked += f", {len(now.pending)} of them pending by {now.ledger.place}"
    unsure = [path for path, text in now.applied if _is_as_applied(now, path, text) is None]
    if unsure:
        looked += f", which has no checksum to tell whether {len(unsure)} of the applied were edited"
    live: set[str] = set()
    try:
        live = paths_of_live(subject) if now.pending else live
        live -= {
            path
            for path, text in now.pending
            if path in now.again and path in live and not _is_live(subject, path, text)
        }
    except NotChecked as error:
        looked += f" (whether the live release has those is not known: {error})"
    for path, _ in now.pending:
        if path in now.again and path not in live:
            words = "changed since it was applied; the deploy runs it again"
            found.append(Finding("unapplied", words, path, severity="info"))
        elif path in live:
            words = (
                "the live release has it"
                + (", and" if path not in now.again else " so, and as that")
                + " it was never applied"
            )
            found.append(Finding("unapplied", words, path, do="find out why, and apply it", text=path))
        else:
            found.append(Finding("unapplied", "not applied yet; the deploy applies it", path, severity="info"))
    return concluded(found, [], looked, reader)


def duplicates(files: Files) -> list[Finding]:
    """Two files with one version: which of them comes first is chance."""
    first: dict[Version, str] = {}
    found = []
    for path, _ in files:
        number = version(path)
        if number is None:
            continue
        if number in first:
            what = f"has the number {spoken(number)}, and so has {label(first[number])}"
            found.append(Finding("duplicate-migration", what, path, do="give the newer one the next number", text=path))
        first.setdefault(number, path)
    return found


def _edited(now: Standing) -> list[Finding]:
    do = "put back what was applied, and write a new migration"
    return [
        Finding("edited-migration", "was edited after it was applied", path, do=do, text=path)
        for path, text in now.applied
        if _is_as_applied(now, path, text) is False
    ]


def _is_as_applied(now: Standing, path: str, text: str) -> bool | None:
    """Whether an applied file is what was applied; None where no checksum tells."""
    checksum = now.ledger.applied[now.rows[path]] if path in now.rows else None
    return ledgers.same(checksum, text) if checksum is not None else None


def _out_of_order(now: Standing) -> list[Finding]:
    newest = max((version(path) or () for path, _ in now.applied), default=())
    return [
        Finding(
            "out-of-order-migration",
            f"comes before {spoken(newest)}, which was applied already",
            path,
            do="give it the next number",
            text=path,
        )
        for path, _ in now.pending
        if () < (version(path) or ()) < newest
    ]


def _failed(ledger: Ledger) -> list[Finding]:
    do = "finish or undo by hand what it began, and then its row: what applies migrations will not go past it"
    what = "began and did not end"
    return [Finding("failed-migration", f"{entry} {what}", ledger.place, do=do, text=entry) for entry in ledger.failed]


def _gone(entries: Iterable[str], ledger: Ledger, why: str = "there is no such file") -> list[Finding]:
    do = "bring its file back: a newer release was here, or it was deleted"
    return [
        Finding("gone-migration", f"{entry} was applied, and {why}", ledger.place, do=do, text=entry)
        for entry in entries
    ]


def _by_command(subject: Subject, reader: Reader) -> Result:
    """Where a command builds the schema, its ledger is compared with the database's."""
    if reader.address.source == "embedded":
        return concluded([], [], "what the command builds, of which no database says what was applied", reader)
    mine = ledger_of(subject, reader.rows)
    whole = _ledger_built(subject, *target_database.state_of(subject).built(reader.version, None))
    found = _failed(mine)
    found += [
        Finding("unapplied", f"{entry} is not applied yet; the deploy applies it", mine.place, severity="info")
        for entry in whole.applied
        if entry not in mine.applied
    ]
    gone = [entry for entry in mine.applied if entry not in whole.applied]
    unlooked = []
    why = "app.migrations.apply does not know it"
    if gone and mine.newest:  # one on the way, or one that nobody here knows: the command itself can tell
        try:
            _built_by_command(subject, reader, mine)
            gone = []
        except target_database.CommandFailed as error:
            why = f"{why}: {error}"
        except NotChecked as error:
            unlooked, gone = [str(error)], []
    found += _gone(gone, mine, why)
    return concluded(found, unlooked, f"{counted(len(mine.applied), 'row')} of {mine.place}", reader)


def _ledger_built(subject: Subject, server: Server, name: str) -> Ledger:
    ignored = target_database.values_of(target_database.setting_of(subject))["switchyard.ignored"]
    with server.open(name) as connection:
        connection.execute("SELECT set_config('switchyard.ignored', %s, false)", [ignored])
        return ledger_of(subject, lambda query: connection.execute(sql.SQL(query)).fetchall())


def _built_by_command(subject: Subject, reader: Reader, ledger: Ledger) -> tuple[Server, str]:
    """What the application's command builds as far as the ledger says. Raises ``NotChecked`` where it goes on."""
    state = target_database.state_of(subject)
    if not ledger.applied:
        return state.built(reader.version, ())
    for until in ("", " ".join(ledger.applied)):
        built = state.built(reader.version, None, until)
        if _ledger_built(subject, *built).applied.keys() == ledger.applied.keys():
            return built
    raise NotChecked(
        f"the database is at {list(ledger.applied)[-1]} by {ledger.place}, and app.migrations.apply does not stop "
        f"there: it must end at what {target_database.UNTIL} says where that is set, such as "
        f'[sh, -c, "alembic upgrade ${{{target_database.UNTIL}:-head}}"]'
    )


def before(subject: Subject, reader: Reader, files: Files | None) -> tuple[tuple[Server, str], Files | None]:
    """What the migrations build that the ledger says were applied, and the files among them; None by a command.

    Raises ``NotChecked`` where that cannot be built.
    """
    if files is None:
        return _built_by_command(subject, reader, ledger_of(subject, reader.rows)), None
    now = of_database(subject, reader, files)
    if now.gone:
        raise NotChecked(f"{now.gone[0]} was applied, and no file says what it did (and {len(now.gone) - 1} more)")
    earlier = ((path, _as_applied(subject, path, checksum)) for path, checksum in now.again.items())
    applied = tuple(sorted((*now.applied, *earlier), key=lambda each: in_order(each[0])))
    return target_database.state_of(subject).built(reader.version, applied), applied


def _as_applied(subject: Subject, path: str, checksum: str) -> str:
    """The text of a file that has this checksum, in whichever commit. Raises ``NotChecked`` where none has it."""
    place = str(PurePath(subject.app.path) / path)
    commits = git_source.git(subject.repository, "log", "--all", "--format=%H", "--", f":(top){place}").decode()
    for commit in commits.split():
        with contextlib.suppress(SwitchyardError):  # the commit may be the one that deleted it
            text = target_database.text_at(subject, commit, path)
            if ledgers.same(checksum, text):
                return text
    raise NotChecked(f"{path} changed since it was applied, and no commit of this clone has what was: git fetch it")


def _is_live(subject: Subject, path: str, text: str) -> bool:
    """Whether the live release's commit has this very text of a file."""
    assert subject.live is not None
    return target_database.text_at(subject, subject.live.commit, path) == text


def paths_of_live(subject: Subject) -> set[str]:
    """The migrations of the live release's commit. Raises ``NotChecked`` where this clone does not have it."""
    commit = subject.live.commit if subject.live else None
    migrations = subject.app.migrations
    if not commit or migrations is None or not migrations.files:
        return set()
    return set(matching(subject, commit, migrations.files))


def matching(subject: Subject, commit: str, pattern: str) -> list[str]:
    """The files of a commit that a pattern of the application's folder matches, in order.

    Raises ``NotChecked`` where this clone does not have the commit.
    """
    try:
        listed = git_source.git(subject.repository, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit)
    except SwitchyardError:
        raise NotChecked(f"this clone does not have the commit {commit[:10]}: git fetch it") from None
    top = PurePath(subject.app.path)
    paths = [PurePath(name) for name in listed.decode(errors="replace").split("\0") if name]
    mine = [path.relative_to(top) for path in paths if path.is_relative_to(top)]
    found = [str(path) for path in mine if len(path.parts) == len(PurePath(pattern).parts) and path.match(pattern)]
    return sorted(found, key=in_order)


def fingerprint_of(server: Server, name: str, values: dict[str, str]) -> dict[Key, str]:
    """That of an embedded database."""
    with server.open(name) as connection:
        for key, value in {**values, **SPELLING}.items():
            connection.execute("SELECT set_config(%s, %s, false)", [key, value])
        return keyed(connection.execute(sql.SQL(QUERY)).fetchall())


def keyed(rows: Sequence[tuple[Any, ...]]) -> dict[Key, str]:
    """Rows of the fingerprint by what they are of."""
    return {(kind, owner, name): is_ or "" for kind, owner, name, is_ in rows}


def _drift(subject: Subject, reader: Reader) -> Result:
    if subject.app.migrations is None:
        return skipped(NO_MIGRATIONS)
    if reader.address.source == "embedded":
        return skipped(
            "the database is what the migrations build: give --host, or an address in "
            f"{target_database.setting_of(subject).url_from}, to have one compared with it"
        )
    (server, name), applied = before(subject, reader, target_database.migration_files(subject))
    ledger = ledger_of(subject, reader.rows)
    should = fingerprint_of(server, name, target_database.values_of(target_database.setting_of(subject)))
    found = differences(should, keyed(reader.rows(QUERY)), {ledger.place})
    found = [each for each in found if not only_worded_otherwise(each, server, name)]
    made_by = "its migrations" if applied is None else counted(len(applied), "migration")
    looked = f"{counted(len(should), 'object')} beside those that {made_by} built in PostgreSQL {server.major}"
    return concluded([_told(each) for each in found], [], looked, reader, objects=len(should))


def only_worded_otherwise(difference: Difference, server: Server, name: str) -> bool:
    """Whether a view of the database is the built one in another version's words.

    Servers before 16 write the table before each column of a view, later ones do not.
    """
    if difference.how != "changed" or difference.kind not in ("view", "materialized view"):
        return False
    with (
        server.open(name) as connection,
        contextlib.suppress(psycopg.Error),
        connection.transaction(force_rollback=True),
    ):
        connection.execute("SELECT set_config('search_path', '', true)")
        connection.execute(sql.SQL("CREATE TEMP VIEW again AS {}").format(sql.SQL(difference.is_)), binary=True)
        said = connection.execute("SELECT pg_get_viewdef('pg_temp.again'::regclass)").fetchone()
        return said == (difference.should,)
    return False


def _told(difference: Difference) -> Finding:
    """An extension beyond those of the migrations is often the operators' (statistics, jobs): told, and no failure."""
    do = "write a migration that does it, or undo what was done by hand"
    severity = "warn" if (difference.kind, difference.how) == ("extension", "extra") else "error"
    what = f"{difference.kind} {difference.name}"
    return Finding(f"drift-{difference.how}", str(difference), difference.place, None, do, severity, what)


CHECKS = (
    Check(
        "migrations",
        "database",
        "no applied migration was edited or lost, none has another's number, none comes too late",
        "app.migrations, and a database with a ledger",
        reading(_migrations),
        Path(__file__),
        lasts=never,
    ),
    Check(
        "drift",
        "database",
        "the database is what its migrations build from nothing",
        "app.migrations, and a database with a ledger",
        reading(_drift),
        Path(__file__),
        lasts=never,
    ),
)
