"""The rule for SQL that a check runs: one statement, of functions that only read.

What the rule cannot see is what the database itself has: a function behind an operator, a cast, a view, a policy or a
column's name, and one of its own that has the name of PostgreSQL's. A role that may only read holds those back.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from pathlib import Path

from switchyard.predeploy.database.syntax_tree import Node, RefusedSql, parse

_ACTS = re.compile(
    r"""pg_(terminate|cancel)_backend | pg_reload_conf | pg_rotate_logfile\w* | pg_sleep\w* | pg_(try_)?advisory_\w+
    | pg_(start_|stop_)?backup\w* | pg_switch_\w+ | pg_(create|drop|copy|sync|import|clear|restore|set|file)_\w+
    | pg_promote | pg_(wal|xlog)_replay_(pause|resume) | pg_logical_\w+ | pg_replication_(origin|slot)_\w+
    | pg_export_snapshot | pg_log_(backend|standby)\w+ | pg_notify | pg_read_\w+ | pg_ls_\w+ | pg_stat_file
    | pg_stat_(statements_)?reset\w* | pg_stat_(clear_snapshot|force_next_flush) | pg_nextoid
    | pg_stop_making_pinned_objects | pg_extension_config_dump | pg_prewarm | pg_buffercache_\w+ | pg_current_logfile
    | pg_isolation_test\w+
    | lo_\w+ | lo(read|write) | dblink\w* | nextval | setval | currval | lastval | set_config | setseed
    | (query|cursor)_to_xml\w* | ts_stat | ts_rewrite | binary_upgrade_\w+ | (brin|gin)_\w+ | currtid\w*
    | \w+_trigger(_column)? | \w+_(in|out|recv|send|handler|inline_handler|validator) | unique_key_recheck | \w*handler
    | RI_FKey_\w+ | system | bernoulli | http\w* | plpgsql_\w+
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Functions that act, wait, read files of the server or run SQL of their own, even in a read-only transaction."""


_BY_COLUMN = re.compile(r"(pg|lo|binary_upgrade|brin|gin)_\w+|(next|curr|last|set)val|setseed|ts_stat")
"""Names of functions that act, and of no column that people have."""
OPERATING = frozenset(("system", "bernoulli"))
"""Ways to take a sample of a table."""
CATALOG = "pg_catalog"
_LIST = Path(__file__).with_name("reading_functions.txt")


@functools.lru_cache(maxsize=1024)
def require_read_only(text: str, *, bound: bool = False, functions: tuple[str, ...] = ()) -> None:
    """Raise ``RefusedSql`` unless a text is exactly one SELECT, VALUES or WITH that calls only functions that read.

    ``bound`` says that the caller binds values to its parameters. ``functions`` are the database's own that may be
    called, each as the text writes it.
    """
    statements = parse(text)
    if not statements:
        raise RefusedSql(1, "there is no statement")
    if len(statements) > 1:
        raise RefusedSql(statements[1].line, "more than one statement: a file holds exactly one")
    for node in statements[0].nodes():
        reason = _refusal(node, bound=bound, functions=functions)
        if reason:
            location = node.location
            line = statements[0].line_at(location) if location else statements[0].line
            raise RefusedSql(line, reason)


def acts(function: str) -> bool:
    """Return whether a function of this name does more than read."""
    return _ACTS.fullmatch(function) is not None


@functools.cache
def reading_functions() -> frozenset[str]:
    """Return the functions of PostgreSQL's own catalog, of all versions from 14 to 18, that only read."""
    return frozenset(_LIST.read_text(encoding="utf-8").split())


def _refusal(node: Node, *, bound: bool, functions: Collection[str]) -> str:
    """Return why a node is not allowed; nothing where it is."""
    kind = node.name
    if kind.endswith("Stmt") and kind != "SelectStmt":
        return f"{_keywords(kind)} is not allowed: a check is one SELECT, VALUES or WITH that only reads"
    if kind == "intoClause":
        return "SELECT INTO makes a table: a check only reads"
    if kind == "LockingClause":
        return "FOR UPDATE or FOR SHARE locks rows: a check only reads"
    if kind == "ParamRef" and not bound:
        return "a parameter ($1) has no value here: use current_setting"
    if kind == "FuncCall":
        return _refused_function(node.function, functions)
    if kind == "RangeTableSample" and node.sampling[-1] not in OPERATING:
        return _refused_function(node.sampling, functions)
    if kind in ("ColumnRef", "A_Indirection") and acts(node.column) and _BY_COLUMN.fullmatch(node.column):
        return f"{node.column} behind a dot may be the function, which acts, waits, or runs SQL: a check only reads"
    return ""


def _refused_function(names: list[str], functions: Collection[str]) -> str:
    """Return why a function is not allowed; nothing where it is."""
    written, function = ".".join(names), names[-1]
    if acts(function):
        return f"{function}() acts, waits, or runs SQL of its own: a check only reads"
    if names[:-1] in ([], [CATALOG], ["information_schema"]) and function in reading_functions():
        return ""
    if written in functions:
        return ""
    return (
        f"{written}() is none of PostgreSQL's own functions that only read. If it only reads, add {written!r} to "
        "app.predeploy.database.functions"
    )


def _keywords(kind: str) -> str:
    """Return ``INSERT`` for ``InsertStmt``, ``CREATE TABLE AS`` for ``CreateTableAsStmt``."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.removesuffix("Stmt")).upper()
