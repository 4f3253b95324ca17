"""The application's recorded queries: those of the live release on the new schema, and how long critical ones take."""

from __future__ import annotations

import json
import os
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database import migrations, syntax_tree, target_database
from switchyard.predeploy.database.database_check import concluded, counted, reading
from switchyard.predeploy.database.fingerprint import Key, short
from switchyard.predeploy.database.migrations import NO_MIGRATIONS, fingerprint_of
from switchyard.predeploy.database.reader import MARK, Reader
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.engine.check import Check, never
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import CriticalSetting

ROUNDS = 6
"""Runs of a critical query; the first is told apart, as the cold one."""
STATISTICS = "pg_stat_statements"
NOTHING_SEEN = (
    f"{STATISTICS} has seen no SELECT, INSERT, UPDATE, DELETE or MERGE of the application: let the live release answer "
    "its users for a while"
)
_ASKS = re.compile(r"\W*(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)
_KINDS = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_UNTYPED = (psycopg.errors.IndeterminateDatatype, psycopg.errors.AmbiguousFunction)
"""What a text alone cannot say, such as the type of ``interval $1``."""


@dataclass(frozen=True)
class Query:
    """A recorded query."""

    place: str
    text: str


def _old_queries(subject: Subject, reader: Reader) -> Result:
    if subject.app.migrations is None:
        return skipped(NO_MIGRATIONS)
    files = target_database.migration_files(subject)
    recorded, whose = _recorded(subject)
    unseen: list[str] = []
    if reader.address.source != "embedded":
        seen, unseen = _from_statistics(reader)
        unseen = [] if recorded and unseen == [NOTHING_SEEN] else unseen
        recorded += seen
        whose += " and pg_stat_statements" if seen else ""
    files_of = target_database.setting_of(subject).queries
    if not recorded and not unseen:
        return skipped(f"no query is recorded: put them into {files_of}, one a file")
    if not recorded:
        return concluded(
            [], [f"{each}, or put the queries into {files_of}, one a file" for each in unseen], "nothing", reader
        )
    after = target_database.state_of(subject).built(reader.version, files)
    if reader.address.source == "embedded":
        return _alone(recorded, *after, whose, reader)
    built, applied = migrations.before(subject, reader, files)
    earlier, now = failures(recorded, *built), failures(recorded, *after)
    found = [_broken(query, now[query]) for query in recorded if query in now and query not in earlier]
    values = target_database.values_of(target_database.setting_of(subject))
    old, fresh = (fingerprint_of(*each, values) for each in (built, after))
    found += unplannable(old, fresh) + stars(recorded, old, fresh)
    pending = "the pending migrations"
    if applied is not None:
        pending = counted(len(set(files or ()) - set(applied)), "pending migration")
    looked = f"{counted(len(recorded), 'statement')} of {whose}, planned before and after {pending}"
    if earlier:
        looked += f"; {len(earlier)} could not be planned before either"
    unseen += _none_planned(recorded, earlier)
    return concluded(found, unseen, looked, reader, unplannable=[query.place for query in earlier])


def _alone(recorded: Sequence[Query], server: Server, name: str, whose: str, reader: Reader) -> Result:
    """Where no database says what was applied, each must be plannable on what the migrations build."""
    now = failures(recorded, server, name)
    untyped = {query: error for query, error in now.items() if isinstance(error, _UNTYPED)}
    found = [_broken(query, error) for query, error in now.items() if query not in untyped]
    looked = f"{counted(len(recorded), 'statement')} of {whose}, planned on what the migrations build"
    if untyped:
        looked += f"; {len(untyped)} leave a type open, so that nobody can plan them alone"
    unlooked = _none_planned(recorded, untyped)
    return concluded(found, unlooked, looked, reader, unplannable=[query.place for query in untyped])


def _none_planned(recorded: Sequence[Query], failed: Mapping[Query, Exception]) -> list[str]:
    """That nothing was looked at, where that is so."""
    if not recorded or len(failed) < len(recorded):
        return []
    query, error = next(iter(failed.items()))
    shown = f" ({short(query.text)})" if query.place.startswith(STATISTICS) else ""
    do = "write them into files of queries with their types, such as $1::interval"
    what = f"none of {counted(len(recorded), 'statement')} can be planned, such as {query.place}{shown}"
    return [f"{what}: {_said(error)}; {do}"]


def _recorded(subject: Subject) -> tuple[list[Query], str]:
    """The queries in the live release's files; else the application's own."""
    pattern = target_database.setting_of(subject).queries
    commit = subject.live.commit if subject.live else None
    if commit:
        found = migrations.matching(subject, commit, pattern)
        return [Query(place, target_database.text_at(subject, commit, place)) for place in found], "the live release"
    return own(subject, pattern), "the application"


def own(subject: Subject, pattern: str) -> list[Query]:
    """The queries of this tree."""
    paths = sorted(path for path in subject.folder.glob(pattern) if path.is_file())
    return [Query(*target_database.read(path, str(path.relative_to(subject.folder)))) for path in paths]


def _from_statistics(reader: Reader) -> tuple[list[Query], list[str]]:
    """What pg_stat_statements has seen, where it is installed, and that it hides some of it from this role."""
    places = reader.rows(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'pg_stat_statements'"
    )
    if not places:
        return [], []
    query = sql.SQL(
        "SELECT DISTINCT queryid::text, query FROM {} WHERE toplevel "
        "AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).format(sql.Identifier(places[0][0], "pg_stat_statements"))
    found = []
    hidden = []
    for number, text in reader.rows(query):
        if number is None or text is None:
            hidden = ["pg_stat_statements hides what other roles asked from this one: GRANT pg_read_all_stats TO it"]
            continue
        if MARK in text:
            continue
        try:
            trees = syntax_tree.parsed(text)
            is_asked = len(trees) == 1 and next(iter(trees[0]["stmt"])) in _KINDS
        except syntax_tree.NotOnlyReading:  # such as interval $1, of which all parts but the text are gone
            is_asked = _ASKS.match(text) is not None
        if is_asked:
            found.append(Query(f"{STATISTICS} {number}", text))
    return found, hidden if found or hidden else [NOTHING_SEEN]


def failures(recorded: Sequence[Query], server: Server, name: str) -> dict[Query, Exception]:
    """Which queries cannot be planned in an embedded database, and why. Nothing runs."""
    found: dict[Query, Exception] = {}
    with server.open(name) as connection:
        for query in recorded:
            try:
                text = numbered(query.text)
                trees = syntax_tree.parsed(text)
                if len(trees) != 1 or next(iter(trees[0]["stmt"])) not in _KINDS:
                    raise NotChecked("a file of queries holds one SELECT, INSERT, UPDATE, DELETE or MERGE")
                connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}")
            except (psycopg.Error, NotChecked, syntax_tree.NotOnlyReading) as error:
                found[query] = error
    return found


def numbered(text: str) -> str:
    """The parameters of psycopg (``%s``, ``%(name)s``) and of SQLAlchemy (``:name``) as the server's own."""
    return _numbered(text)[0]


def _numbered(text: str) -> tuple[str, list[str]]:
    """The same, and their names in the order of their numbers; one without a name is called by its number."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match.group("kept"):
            return match.group()
        if match.group() == "%%":
            return "%"
        name = match.group("name") or match.group("other") or str(len(names) + 1)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PARAMETERS.sub(number, text), names


def bound(text: str, params: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """A query with the server's own parameters, and their values. Raises ``NotChecked`` where the two do not fit."""
    if not params:
        return text, []
    becomes, names = _numbered(text)
    numbers = [node["number"] for kind, node in syntax_tree.nodes(syntax_tree.parsed(becomes)) if kind == "ParamRef"]
    names = names or [str(number) for number in range(1, max(numbers, default=0) + 1)]
    for name in names:
        if name not in params:
            raise NotChecked(f"params of app.predeploy.database.critical do not say what its parameter {name} is")
    for name in params:
        if name not in names:
            raise NotChecked(
                f"params of app.predeploy.database.critical say what {name} is, and it has no such parameter"
            )
    return becomes, [params[name] for name in names]


_PARAMETERS = re.compile(
    r"(?P<kept>'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/)"
    r"|%%|%(?:\((?P<name>\w+)\))?[sbt](?!\w)|(?<![:\w]):(?P<other>[A-Za-z_]\w*)",
    re.DOTALL,
)


def _said(error: Exception) -> str:
    return str((error.diag.message_primary if isinstance(error, psycopg.Error) else None) or error)


def _broken(query: Query, error: Exception) -> Finding:
    do = "keep what it needs until no release uses it: expand now, contract in a later release"
    shown = f": {short(query.text)}" if query.place.startswith(STATISTICS) else ""
    what = f"fails on the new schema: {_said(error)}{shown}"
    return Finding("broken-query", what, query.place, do=do, text=query.text)


def unplannable(before: Mapping[Key, str], after: Mapping[Key, str]) -> list[Finding]:
    """What breaks queries that can still be planned: columns that must be given now, and what stops or hides rows."""
    found = []
    for key, now in sorted(after.items()):
        kind, owner, name = key
        if kind == "table" and "row security" in now and "row security" not in before.get(key, "row security"):
            what = "row security is on now: the release that still runs may not see its rows, or not write them"
            found.append(Finding("new-policy", what, name, severity="warn", text=name))
        if ("table", "", owner) not in before or before.get(key) == now:
            continue
        then = before.get(key)
        place = f"{owner}.{name}"
        if kind == "column":
            needed = " not null" in now and not re.search(r" (default|identity|generated)\b", now)
            was = then is not None and " not null" in then and not re.search(r" (default|identity|generated)\b", then)
            if needed and not was:
                what = "must now be given by every INSERT, and the release that still runs may not do so"
                found.append(Finding("required-column", what, place, do="give it a default", text=place))
        elif _stops(kind, now) and (then is None or then.removesuffix(" NOT VALID") != now):
            words = f"a {'new' if then is None else 'changed'} {'unique ' * (kind == 'index')}{kind}"
            what = f"{words}: rows that the release that still runs writes may not pass it"
            found.append(Finding(f"new-{kind}", what, place, severity="warn", text=place))
    return found


def _stops(kind: str, now: str) -> bool:
    """Whether rows may not pass an object of a table."""
    return kind in ("constraint", "trigger", "rule", "policy") or (kind == "index" and now.startswith("CREATE UNIQUE "))


def stars(recorded: Sequence[Query], before: Mapping[Key, str], after: Mapping[Key, str]) -> list[Finding]:
    """``SELECT *`` of a table that gets columns: a statement that was prepared before fails ever after."""
    grown = {
        owner.split(".", 1)[1]
        for kind, owner, name in after.keys() - before.keys()
        if kind == "column" and ("table", "", owner) in before
    }
    found = []
    for query in recorded:
        try:
            nodes = list(syntax_tree.nodes(syntax_tree.parsed(numbered(query.text))))
        except syntax_tree.NotOnlyReading:
            continue
        tables = sorted(grown & {node.get("relname") for _, node in nodes})
        if tables and any(kind == "A_Star" for kind, _ in nodes):
            what = f"reads all columns of {', '.join(tables)}, which gets more: a prepared statement of it will fail"
            do = "name the columns, or prepare nothing (psycopg: prepare_threshold=None)"
            found.append(Finding("star-query", what, query.place, do=do, severity="warn", text=query.text))
    return found


def _critical(subject: Subject) -> Result:
    if not target_database.setting_of(subject).critical:
        return skipped("set app.predeploy.database.critical (query to seconds) to have critical queries timed")
    return reading(_timed)(subject)


def _timed(subject: Subject, reader: Reader) -> Result:
    setting = target_database.setting_of(subject)
    if target_database.is_empty(subject):
        why = "the embedded database has no rows: set app.predeploy.database.fixture, or look at a real one"
        return concluded([], [why], "nothing", reader)
    known = {Path(query.place).name: query for query in own(subject, setting.queries)}
    shapes = _Shapes(subject.state / f"plans {subject.machine}.json".replace(" .", "."), reader.address.source)
    found: list[Finding] = []
    problems = []
    seconds: dict[str, Any] = {}
    for name, each in setting.critical.items():
        query = known.get(name) or known.get(f"{name}.sql")
        if query is None:
            problems.append(f"app.predeploy.database.critical: {setting.queries} has no {name}")
            continue
        try:
            found += _time(query, each, reader, shapes, seconds)
        except syntax_tree.NotOnlyReading as error:
            problems.append(f"{query.place}:{error.line}: {error}")
        except NotChecked as error:
            problems.append(f"{query.place}: {error}")
    if not problems and not any(finding.severity == "error" for finding in found):
        shapes.keep()
    return concluded(
        found, problems, f"{len(seconds)} of {len(setting.critical)} critical queries", reader, queries=seconds
    )


def _time(
    query: Query, setting: CriticalSetting, reader: Reader, shapes: _Shapes, seconds: dict[str, Any]
) -> list[Finding]:
    text, values = bound(query.text, setting.params)
    syntax_tree.require_only_reading(text, bound=bool(values))
    (cold, *taken), plan = reader.timed(text, ROUNDS, values)
    most = setting.within
    median = statistics.median(taken)
    seconds[query.place] = {"cold": round(cold, 4), "median": round(median, 4), "rounds": len(taken)}
    found = []
    if median > most:
        what = f"a client has its rows after {median:.3f} s (cold {cold:.3f} s), at most {most:g} s are allowed"
        do = f"its plan: {'; '.join(_lines(plan))}"
        found.append(Finding("slow-query", what, query.place, do=do, text=query.place))
    shape = _shape(plan)
    before = shapes.changed(query.place, shape)
    if before:
        what = f"its plan changed from {before} to {shape}"
        found.append(Finding("plan-changed", what, query.place, severity="warn", text=query.place))
    return found


def _shape(plan: Mapping[str, Any]) -> str:
    """Nodes and tables, without figures."""
    below = ", ".join(_shape(each) for each in plan.get("Plans", ()))
    return _node(plan) + (f" ({below})" if below else "")


def _node(plan: Mapping[str, Any]) -> str:
    return " ".join(str(plan[key]) for key in ("Node Type", "Relation Name", "Index Name") if key in plan)


def _lines(plan: Mapping[str, Any], depth: int = 0) -> list[str]:
    rows = f"{'  ' * depth}{_node(plan)}: {plan['Plan Rows']:,} rows"
    return [rows, *(line for each in plan.get("Plans", ()) for line in _lines(each, depth + 1))]


class _Shapes:
    """The plans of the last run that passed, of the same kind of database."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind = path, kind
        try:
            self._all: dict[str, dict[str, str]] = json.loads(path.read_text())
        except (OSError, ValueError):
            self._all = {}
        self._now: dict[str, str] = {}

    def changed(self, name: str, shape: str) -> str:
        """The shape of before, where it was another."""
        self._now[name] = shape
        before = self._all.get(self._kind, {}).get(name, shape)
        return before if before != shape else ""

    def keep(self) -> None:
        """For the next run."""
        aside = self._path.with_name(f".plans.{os.getpid()}")
        aside.write_text(json.dumps({**self._all, self._kind: self._now}))
        os.replace(aside, self._path)


CHECKS = (
    Check(
        "old-queries",
        "database",
        "every recorded query of the live release still works once the pending migrations are applied",
        "app.migrations, and sql/queries/*.sql or pg_stat_statements",
        reading(_old_queries),
        Path(__file__),
        lasts=never,
    ),
    Check(
        "query-time",
        "database",
        "a client has all rows of each critical query in time",
        "app.predeploy.database.critical",
        _critical,
        Path(__file__),
        lasts=never,
    ),
)
