"""The check that a client has all rows of each critical query in time, by an unchanged plan."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from switchyard.core.errors import NotChecked
from switchyard.core.wire.message import Json
from switchyard.predeploy.database.database_check import NO_ROWS, conclude, database_check, reads_database
from switchyard.predeploy.database.database_setting import setting_of
from switchyard.predeploy.database.query_parameters import bind
from switchyard.predeploy.database.query_plan import PlanHistory, explained
from switchyard.predeploy.database.read_only import require_read_only
from switchyard.predeploy.database.reader import Reader
from switchyard.predeploy.database.recorded_queries import RecordedQuery, queries_of_tree
from switchyard.predeploy.database.syntax_tree import RefusedSql
from switchyard.predeploy.database.target_reader import is_empty
from switchyard.predeploy.engine.result import Finding, Result, skipped
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings.predeploy import CriticalSetting

ROUNDS = 6
"""Runs of a critical query. The first, with cold caches, is reported apart."""


def _check_query_time(subject: Subject) -> Result:
    if not setting_of(subject).critical:
        return skipped("set app.predeploy.database.critical (query to seconds) to time critical queries")
    return reads_database(_time_critical)(subject)


def _time_critical(subject: Subject, reader: Reader) -> Result:
    setting = setting_of(subject)
    if is_empty(subject):
        return conclude([], [NO_ROWS], "nothing", reader)
    queries = {Path(query.place).name: query for query in queries_of_tree(subject, setting.queries)}
    history = PlanHistory(_history_file(subject), reader.address.source)
    findings: list[Finding] = []
    problems = []
    times: dict[str, Json] = {}
    for name, critical in setting.critical.items():
        query = queries.get(name) or queries.get(f"{name}.sql")
        if query is None:
            problems.append(f"app.predeploy.database.critical: {setting.queries} has no {name}")
            continue
        try:
            findings += _time(query, critical, setting.functions, reader, history, times)
        except RefusedSql as error:
            problems.append(f"{query.place}:{error.line}: {error}")
        except NotChecked as error:
            problems.append(f"{query.place}: {error}")
    if not problems and not any(finding.severity == "error" for finding in findings):
        history.save()
    scope = f"{len(times)} of {len(setting.critical)} critical queries"
    return conclude(findings, problems, scope, reader, queries=times)


def _history_file(subject: Subject) -> Path:
    """Return the file of a machine's plans, which outlives the run."""
    return subject.state / (f"plans {subject.machine}.json" if subject.machine else "plans.json")


def _time(
    query: RecordedQuery,
    critical: CriticalSetting,
    functions: Sequence[str],
    reader: Reader,
    history: PlanHistory,
    times: dict[str, Json],
) -> list[Finding]:
    text, values = bind(query.text, critical.params)
    require_read_only(text, bound=bool(values), functions=tuple(functions))
    (cold, *seconds), report = reader.time(text, ROUNDS, values)
    plan = explained(report)
    median = statistics.median(seconds)
    times[query.place] = {"cold": round(cold, 4), "median": round(median, 4), "rounds": len(seconds)}
    findings = []
    if median > critical.within:
        limit = f"at most {critical.within:g} s are allowed"
        what = f"a client has its rows after {median:.3f} s (cold {cold:.3f} s), and {limit}"
        do = f"its plan: {'; '.join(plan.lines())}"
        findings.append(Finding("slow-query", what, query.place, do=do, text=query.place))
    previous = history.previous(query.place, plan.shape)
    if previous:
        what = f"its plan changed from {previous} to {plan.shape}"
        findings.append(Finding("plan-changed", what, query.place, severity="warn", text=query.place))
    return findings


CHECKS = (
    database_check(
        "query-time",
        "a client has all rows of each critical query in time",
        "app.predeploy.database.critical",
        _check_query_time,
        __file__,
    ),
)
