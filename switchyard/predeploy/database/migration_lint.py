"""New migrations, read as text (squawk): what breaks the release that still runs, and what holds locks for long.

A file says by ``-- phase: contract`` that it takes away what no release uses any more; without it, it must only add.
Its ``squawk-ignore`` is not heard: what is meant is waived in the settings, with a reason.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from psycopg import sql

from switchyard.control import commit as git_source
from switchyard.core.errors import NotChecked
from switchyard.predeploy.database import migrations, syntax_tree, target_database
from switchyard.predeploy.database.migrations import NO_MIGRATIONS, Files
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.engine import waivers as waive
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject

WITHIN = 60
SMALL = 10 << 20
"""Bytes of a table that is so small that a lock on it is over at once."""
BREAKS = (
    *("ban-drop-column", "ban-drop-table", "ban-drop-view", "ban-drop-function", "ban-drop-type", "ban-drop-schema"),
    *("ban-drop-sequence", "ban-drop-domain", "ban-drop-extension", "ban-drop-database", "ban-set-schema"),
    *("ban-drop-generated-expression", "ban-alter-identity", "ban-truncate-cascade", "ban-new-write-restriction"),
    *("renaming-column", "renaming-table", "renaming-object", "adding-required-field", "changing-column-type"),
    *("adding-not-nullable-field", "ban-disable-trigger"),
)
"""What the release that still runs may meet as an error: it belongs into a contract, once no release needs it."""
LOCKS = (
    *("require-concurrent-index-creation", "require-concurrent-index-deletion", "require-concurrent-reindex"),
    *("require-concurrent-partition-detach", "adding-foreign-key-constraint", "constraint-missing-not-valid"),
    *("disallowed-unique-constraint", "adding-field-with-default", "adding-serial-primary-key-field"),
)
"""What holds a lock while it reads or rewrites a whole table."""
CAREFUL = ("require-lock-timeout", "ban-drop-not-null", "ban-drop-constraint", "ban-add-enum-value")
"""What is worth a second look."""
RULES = frozenset((*BREAKS, *LOCKS, *CAREFUL, "unknown-phase"))
PHASES = ("expand", "backfill", "contract")


def _run(subject: Subject) -> Result:
    if subject.app.migrations is None:
        return skipped(NO_MIGRATIONS)
    if not subject.app.migrations.files:
        return skipped("app.migrations.apply builds the schema, and only plain SQL (app.migrations.files) can be read")
    files = target_database.migration_files(subject)
    assert files is not None
    fresh, since, reader = new(subject, files)
    if fresh is None:
        return skipped(since)
    if not fresh:
        return waive.judge(subject, (), [], [f"none of {len(files)} migrations is new {since}"])
    found: list[tuple[str, Finding]] = []
    problems = []
    made = _new_relations(files, fresh, reader)
    for path, whole in fresh:
        text = syntax_tree.upward(whole)
        try:
            found += [
                (path, finding)
                for finding in _findings(path, text, made, reader, target_database.server_major(subject))
            ]
        except syntax_tree.NotOnlyReading as error:
            problems.append(f"{path}:{error.line}: {error}")
        except NotChecked as error:
            problems.append(str(error))
    return waive.judge(subject, RULES, found, [f"{len(fresh)} of {len(files)} migrations, new {since}"], problems)


def new(subject: Subject, files: Files) -> tuple[Files | None, str, Reader | None]:
    """The files that a deploy would apply, since what they are new, and the database that says so.

    By the ledger where there is a database; else by the live release's commit; else by git, as what the upstream
    branch does not have.
    """
    if subject.host is not None or target_database.names_address(subject):
        reader = target_database.state_of(subject).reader(subject)
        if reader.address.source != "embedded":
            now = migrations.of_database(subject, reader, files)
            return now.pending, f"to {reader.words}", reader
        return None, "a first deploy: no release runs that a migration could break", None
    base = git_source.git(subject.repository, "merge-base", "HEAD", "@{upstream}", check=False).decode().strip()
    if not base:
        variable = target_database.setting_of(subject).url_from
        why = f"nothing says which migrations are new: give --host, an address in {variable}"
        return None, f"{why}, or the branch an upstream", None
    assert subject.app.migrations is not None and subject.app.migrations.files is not None
    before = migrations.matching(subject, base, subject.app.migrations.files)
    return tuple(each for each in files if each[0] not in before), f"since the upstream's {base[:10]}", None


def phase(text: str) -> tuple[str, int | None]:
    """What a file says of itself, with the line; expand where it says nothing."""
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.match(r"--\s*phase:\s*(\w*)", line)
        if match:
            return match.group(1), number
    return "expand", None


def _findings(path: str, text: str, made: set[str], reader: Reader | None, major: int) -> list[Finding]:
    which, at = phase(text)
    if which not in PHASES:
        return [Finding("unknown-phase", f"phase is one of {', '.join(PHASES)}", path, at, text=which)]
    statements = syntax_tree.parsed(text)
    lines = text.encode().split(b"\n")
    told = []
    for each in squawk(path, text, major):
        line = int(each["line"]) + 1
        if each["level"] == "Error":
            raise NotChecked(f"{path}:{line}: squawk cannot read it, so nothing of it was checked: {each['message']}")
        rule = str(each["rule_name"])
        if rule not in RULES:
            continue
        begins = sum(len(before) + 1 for before in lines[: line - 1]) + int(each["column"])
        mine = max(number for number, one in enumerate(statements) if int(one.get("stmt_location", 0)) <= begins)
        names = _about(statements[mine]["stmt"])
        harmless = made | (_made(statements[mine + 1 :], "view") if _drops_view(statements[mine]["stmt"]) else set())
        severity = "" if names and names <= harmless else _severity(rule, which, names, reader)
        if severity:
            what = " ".join([str(each["message"]), str(each["help"] or "")]).strip()
            do = _DO["breaks" if rule in BREAKS else "locks"]
            source_line = lines[line - 1].decode().strip()
            told.append(Finding(rule, what, path, line, do, severity, source_line))
    return told


_DO = {
    "breaks": "split it: expand now, contract (-- phase: contract) in a later release once no release uses it",
    "locks": "do it in steps that let others work, or say why it is safe in app.predeploy.waive",
}


def _severity(rule: str, which: str, names: set[str], reader: Reader | None) -> str:
    """How much a rule counts here."""
    if rule in CAREFUL:
        return "warn"
    if rule in BREAKS:
        return "warn" if which == "contract" else "error"
    return "info" if names and reader is not None and all(_is_small(reader, name) for name in names) else "error"


_SIZE = """(WITH RECURSIVE tree AS (
    SELECT to_regclass(%s)::oid AS oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid
) SELECT sum(pg_total_relation_size(oid))::bigint FROM tree)"""
"""With its partitions, and with what inherits from it: a partitioned table has nothing of its own."""


def _is_small(reader: Reader, name: str) -> bool:
    size = None
    with contextlib.suppress(NotChecked):
        size = _asked(reader, _SIZE, name)
    return size is not None and size < SMALL


def _asked(reader: Reader, expression: str, name: str) -> Any:
    """What the database says of a relation; None where it has none."""
    return reader.rows(f"SELECT {expression}", [sql.Identifier(*name.split(".", 1)).as_string(None)])[0][0]


def _new_relations(files: Files, fresh: Files, reader: Reader | None) -> set[str]:
    """The relations that the new files make and that were not there: nobody uses them, or waits for a lock on them."""
    made = _made(_statements(fresh), "table", "view")
    if reader is None:
        return made - _made(_statements([each for each in files if each not in fresh]), "table", "view")
    return {name for name in made if _asked(reader, "to_regclass(%s)::text", name) is None}


def _statements(files: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Those of every file that is SQL; what is not is told where it is looked at."""
    found = []
    for _, text in files:
        with contextlib.suppress(syntax_tree.NotOnlyReading):
            found += syntax_tree.parsed(syntax_tree.upward(text))
    return found


def _made(statements: Sequence[Mapping[str, Any]], *kinds: str) -> set[str]:
    """The tables and views, or only one of the two, that statements make."""
    return {name for each in statements if _makes(each["stmt"]) in kinds for name in _about(each["stmt"])}


def _makes(tree: Mapping[str, Any]) -> str:
    kind, node = next(iter(tree.items()))
    if kind == "ViewStmt" or (kind == "CreateTableAsStmt" and node["objtype"] == "OBJECT_MATVIEW"):
        return "view"
    return "table" if kind in ("CreateStmt", "CreateTableAsStmt") or "intoClause" in node else ""


def _drops_view(tree: Mapping[str, Any]) -> bool:
    """Whether it drops views and nothing that depends on them."""
    node = tree.get("DropStmt", {})
    return node.get("removeType") in _RELATIONS[1:] and node["behavior"] == "DROP_RESTRICT"


_RELATIONS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW")


def _about(tree: Mapping[str, Any]) -> set[str]:
    """The relations that a statement is about, each with its schema."""
    node = next(iter(tree.values()))
    if node.get("removeType") in _RELATIONS:
        names = [[item["String"]["sval"] for item in each["List"]["items"]] for each in node["objects"]]
        return {".".join(("public", *parts)[-2:]) for parts in names}
    into = node.get("into") or node.get("intoClause") or {}
    relation = node.get("relation") or node.get("view") or into.get("rel")
    if not isinstance(relation, dict) or "relname" not in relation:
        return set()
    return {f"{relation.get('schemaname', 'public')}.{relation['relname']}"}


def squawk(path: str, text: str, major: int) -> Sequence[Mapping[str, Any]]:
    """What squawk finds in one file, by no settings but these. Its lines count from 0."""
    program = Path(sysconfig.get_path("scripts")) / "squawk"
    words = ["--reporter", "json", "--config", "/dev/null", "--pg-version", f"{major}.0"]
    for rule in ("ban-new-write-restriction", "ban-disable-trigger", "ban-add-enum-value"):
        words += ["--include", rule]
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        file = Path(folder) / "migration.sql"
        file.write_bytes(text.replace("squawk-ignore", "squawk_ignore").encode())
        try:
            done = subprocess.run(
                [str(program), *words, file.name],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=WITHIN,
                check=False,
            )
        except OSError as error:
            raise NotChecked(f"squawk: {program}: {error.strerror}; install squawk-cli beside Switchyard") from None
        except subprocess.TimeoutExpired:
            raise NotChecked(f"{path}: squawk did not end within {WITHIN} s") from None
    try:
        found: list[Mapping[str, Any]] = json.loads(done.stdout or "null")
    except ValueError:
        found = []
    if done.returncode not in (0, 1) or found is None:
        raise NotChecked(f"{path}: squawk ended with {done.returncode}: {done.stderr.strip()}")
    return found


CHECKS = (
    Check(
        "migration-lint",
        "database",
        "no new migration breaks the release that still runs, or holds a lock on a table that is in use",
        "app.migrations.files, and a host, a database or an upstream branch to be new to",
        _run,
        Path(__file__),
        lasts=never,
    ),
)
