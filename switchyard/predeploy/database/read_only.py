"""The rule for SQL that a check runs: one statement that only reads."""

from __future__ import annotations

import functools
import re

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


@functools.lru_cache(maxsize=1024)
def require_read_only(text: str, *, bound: bool = False) -> None:
    """Raise ``RefusedSql`` unless a text is exactly one SELECT, VALUES or WITH that changes nothing.

    ``bound`` says that the caller binds values to its parameters.
    """
    statements = parse(text)
    if not statements:
        raise RefusedSql(1, "there is no statement")
    if len(statements) > 1:
        raise RefusedSql(statements[1].line, "more than one statement: a file holds exactly one")
    for node in statements[0].nodes():
        reason = _refusal(node, bound=bound)
        if reason:
            location = node.location
            line = statements[0].line_at(location) if location else statements[0].line
            raise RefusedSql(line, reason)


def acts(function: str) -> bool:
    """Return whether a function of this name does more than read."""
    return _ACTS.fullmatch(function) is not None


def _refusal(node: Node, *, bound: bool) -> str:
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
    if kind == "FuncCall" and acts(node.function):
        return f"{node.function}() acts, waits, or runs SQL of its own: a check only reads"
    return ""


def _keywords(kind: str) -> str:
    """Return ``INSERT`` for ``InsertStmt``, ``CREATE TABLE AS`` for ``CreateTableAsStmt``."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.removesuffix("Stmt")).upper()
