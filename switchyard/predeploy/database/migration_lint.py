"""The check that new migrations neither break the release that still runs nor hold locks for long.

squawk reads each file as text. ``-- phase: contract`` declares that a file removes what no release uses any more.
Without it, a file must only add. The settings waive a finding, with a reason; ``squawk-ignore`` has no effect.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from switchyard.control.git import git
from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.database_check import database_check
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.migration_files import NO_MIGRATIONS, Migrations, migration_files, paths_at
from switchyard.predeploy.database.migration_status import read_status
from switchyard.predeploy.database.postgres_services import server_major
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.sql_file import SqlFile, upward
from switchyard.predeploy.database.squawk import Violation, squawk
from switchyard.predeploy.database.syntax_tree import RefusedSql, Statement, parse
from switchyard.predeploy.database.table_name import table_name
from switchyard.predeploy.database.target_database import names_address
from switchyard.predeploy.database.target_reader import reader_of
from switchyard.predeploy.engine import waivers
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject

SMALL_TABLE_BYTES = 10 << 20
"""A lock on a smaller table is over at once."""
BREAKS = (
    *("ban-drop-column", "ban-drop-table", "ban-drop-view", "ban-drop-function", "ban-drop-type", "ban-drop-schema"),
    *("ban-drop-sequence", "ban-drop-domain", "ban-drop-extension", "ban-drop-database", "ban-set-schema"),
    *("ban-drop-generated-expression", "ban-alter-identity", "ban-truncate-cascade", "ban-new-write-restriction"),
    *("renaming-column", "renaming-table", "renaming-object", "adding-required-field", "changing-column-type"),
    *("adding-not-nullable-field", "ban-disable-trigger"),
)
"""Rules for what may fail in the release that still runs. It belongs into a contract, once no release needs it."""
LOCKS = (
    *("require-concurrent-index-creation", "require-concurrent-index-deletion", "require-concurrent-reindex"),
    *("require-concurrent-partition-detach", "adding-foreign-key-constraint", "constraint-missing-not-valid"),
    *("disallowed-unique-constraint", "adding-field-with-default", "adding-serial-primary-key-field"),
)
"""Rules for what holds a lock while it reads or rewrites a whole table."""
CAREFUL = ("require-lock-timeout", "ban-drop-not-null", "ban-drop-constraint", "ban-add-enum-value")
"""Rules for what is worth a second look."""
RULES = frozenset((*BREAKS, *LOCKS, *CAREFUL, "unknown-phase"))
PHASES = ("expand", "backfill", "contract")
SPLIT = "split it: expand now, contract (-- phase: contract) in a later release once no release uses it"
UNLOCK = "do it in steps that let others work, or say why it is safe in app.predeploy.waive"
_SIZE = """(WITH RECURSIVE tree AS (
    SELECT to_regclass(%s)::oid AS oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid
) SELECT sum(pg_total_relation_size(oid))::bigint FROM tree)"""
"""The bytes of a relation with its partitions and its heirs: a partitioned table itself holds nothing."""


@dataclass(frozen=True)
class NewMigrations:
    """The files that a deploy would apply."""

    files: Migrations
    since: str
    """What they are new to."""
    reader: Reader | None
    """The database that they are new to, if it is one."""


class Phase(NamedTuple):
    """What a file says that it does."""

    name: str
    line: int | None


def _check_lint(subject: Subject) -> Result:
    if subject.app.migrations is None:
        return skipped(NO_MIGRATIONS)
    if not subject.app.migrations.files:
        return skipped("app.migrations.apply builds the schema, and only plain SQL (app.migrations.files) can be read")
    files = migration_files(subject)
    assert files is not None
    new = new_migrations(subject, files)
    if isinstance(new, str):
        return skipped(new)
    if not new.files:
        return waivers.judge(subject, (), [], [f"none of {len(files)} migrations is new {new.since}"])
    findings: list[tuple[str, Finding]] = []
    problems = []
    created = _new_relations(files, new)
    major = server_major(subject)
    for path, text in new.files:
        try:
            of_file = lint(SqlFile(path, upward(text)), created, new.reader, major)
            findings += [(path, finding) for finding in of_file]
        except RefusedSql as error:
            problems.append(f"{path}:{error.line}: {error}")
        except NotChecked as error:
            problems.append(str(error))
    scope = f"{len(new.files)} of {len(files)} migrations, new {new.since}"
    return waivers.judge(subject, RULES, findings, [scope], problems)


def new_migrations(subject: Subject, files: Migrations) -> NewMigrations | str:
    """Return the new files, or why nothing tells which are new.

    With a database they are those that its ledger lacks; else those that the upstream branch lacks.
    """
    if subject.host is not None or names_address(subject):
        reader = reader_of(subject)
        if reader.address.source == "embedded":
            return "a first deploy: no release runs that a migration could break"
        return NewMigrations(read_status(subject, reader, files).pending, f"to {reader.description}", reader)
    base = git(subject.repository, "merge-base", "HEAD", "@{upstream}", check=False).decode().strip()
    if not base:
        return (
            "nothing tells which migrations are new: give --host, an address in "
            f"{setting_of(subject).url_from}, or the branch an upstream"
        )
    assert subject.app.migrations is not None and subject.app.migrations.files is not None
    old = paths_at(subject, base, subject.app.migrations.files)
    new = tuple(file for file in files if file.path not in old)
    return NewMigrations(new, f"since the upstream's {base[:10]}", None)


def phase_of(text: str) -> Phase:
    """Return the phase that a file declares; expand where it declares none."""
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.match(r"--\s*phase:\s*(\w*)", line)
        if match:
            return Phase(match.group(1), number)
    return Phase("expand", None)


def lint(file: SqlFile, created: set[str], reader: Reader | None, major: int) -> list[Finding]:
    """Return findings about one file. ``created`` are the relations that the new files create."""
    phase = phase_of(file.text)
    if phase.name not in PHASES:
        what = f"phase is one of {', '.join(PHASES)}"
        return [Finding("unknown-phase", what, file.path, phase.line, text=phase.name)]
    statements = parse(file.text)
    lines = file.text.encode().split(b"\n")
    findings = []
    for violation in squawk(file.path, file.text, major):
        line = violation.line + 1
        if violation.level == "Error":
            raise NotChecked(
                f"{file.path}:{line}: squawk cannot read it, so nothing of it was checked: {violation.message}"
            )
        if violation.rule not in RULES:
            continue
        offset = sum(len(before) + 1 for before in lines[: violation.line]) + violation.column
        number = max(number for number, each in enumerate(statements) if each.begin <= offset)
        statement, later = statements[number], statements[number + 1 :]
        names = statement.relations()
        unused = created | (_created(later, "view") if statement.drops_only_views else set())
        severity = "" if names and names <= unused else _severity(violation.rule, phase.name, names, reader)
        if severity:
            source_line = lines[violation.line].decode().strip()
            findings.append(_finding(violation, file.path, severity, source_line))
    return findings


def _finding(violation: Violation, path: str, severity: str, source_line: str) -> Finding:
    what = f"{violation.message} {violation.help or ''}".strip()
    do = SPLIT if violation.rule in BREAKS else UNLOCK
    return Finding(violation.rule, what, path, violation.line + 1, do, severity, source_line)


def _severity(rule: str, phase: str, names: set[str], reader: Reader | None) -> str:
    """Return how much a violation of a rule counts, by the file's phase and the size of its relations."""
    if rule in CAREFUL:
        return "warn"
    if rule in BREAKS:
        return "warn" if phase == "contract" else "error"
    return "info" if names and reader is not None and all(_is_small(reader, name) for name in names) else "error"


def _is_small(reader: Reader, name: str) -> bool:
    size = None
    with contextlib.suppress(NotChecked):
        size = reader.value(f"SELECT {_SIZE}", int, [_quoted(name)])
    return size is not None and size < SMALL_TABLE_BYTES


def _exists(reader: Reader, name: str) -> bool:
    return reader.value("SELECT to_regclass(%s)::text", str, [_quoted(name)]) is not None


def _quoted(name: str) -> str:
    return table_name(name).identifier.as_string(None)


def _new_relations(files: Migrations, new: NewMigrations) -> set[str]:
    """Return the relations that the new files create and that did not exist, so that nobody uses them yet."""
    created = _created(_statements(new.files), "table", "view")
    if new.reader is None:
        return created - _created(_statements(file for file in files if file not in new.files), "table", "view")
    return {name for name in created if not _exists(new.reader, name)}


def _statements(files: Iterable[SqlFile]) -> list[Statement]:
    """Return the statements of every file that parses. ``lint`` reports the others."""
    statements = []
    for _, text in files:
        with contextlib.suppress(RefusedSql):
            statements += parse(upward(text))
    return statements


def _created(statements: Iterable[Statement], *kinds: str) -> set[str]:
    """Return the relations of these kinds that statements create."""
    return {name for statement in statements if statement.creates in kinds for name in statement.relations()}


CHECKS = (
    database_check(
        "migration-lint",
        "no new migration breaks the release that still runs, or holds a lock on a table that is in use",
        "app.migrations.files, and a host, a database or an upstream branch to be new to",
        _check_lint,
        __file__,
    ),
)
