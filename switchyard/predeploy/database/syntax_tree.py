"""Whether a text of SQL is one statement that only reads, by PostgreSQL's own parser."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from switchyard.core.errors import BadInput

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
"""Functions that act, wait, read files of the server or run SQL of their own, also inside a read-only transaction."""


_DOWN = re.compile(r"^--\s*(?:migrate:|\+\s*(?:goose|migrate)\s+)down\b", re.MULTILINE | re.IGNORECASE)


class NotOnlyReading(BadInput):
    """A text that is refused. ``line`` counts from 1 in that text."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def parsed(text: str) -> list[dict[str, Any]]:
    """The statements of a text as trees of plain values. Raises ``NotOnlyReading`` where it is not SQL.

    They are taken as JSON: ``postgast.parse`` takes them as protobuf, which reads no sum of 50 terms.
    """
    import postgast
    from postgast.errors import check_error
    from postgast.native import lib

    result = lib.pg_query_parse(text.encode())
    try:
        check_error(result)
        statements: list[dict[str, Any]] = json.loads(result.parse_tree)["stmts"]
        return statements
    except postgast.PgQueryError as error:
        position = max((error.cursorpos or 1) - 1, 0)
        raise NotOnlyReading(text.count("\n", 0, position) + 1, f"not SQL: {error.message}") from None
    except RecursionError:
        raise NotOnlyReading(1, "its expressions stand too deep in each other to be read here") from None
    finally:
        lib.pg_query_free_parse_result(result)


@functools.lru_cache(maxsize=1024)
def require_only_reading(text: str, *, bound: bool = False) -> None:
    """Exactly one SELECT, VALUES or WITH that changes nothing. Raises ``NotOnlyReading`` otherwise.

    ``bound``: its parameters have values.
    """
    statements = parsed(text)
    if not statements:
        raise NotOnlyReading(1, "there is no statement")
    if len(statements) > 1:
        raise NotOnlyReading(line_of(text, statements[1]), "more than one statement: a file holds exactly one")
    first = line_of(text, statements[0])
    for kind, node in nodes(statements[0]["stmt"]):
        place = _line(text, node, first)
        if kind.endswith("Stmt") and kind != "SelectStmt":
            raise NotOnlyReading(
                place, f"{_spoken(kind)} is not allowed: a check is one SELECT, VALUES or WITH that only reads"
            )
        if kind == "intoClause":
            raise NotOnlyReading(place, "SELECT INTO makes a table: a check only reads")
        if kind == "LockingClause":
            raise NotOnlyReading(place, "FOR UPDATE or FOR SHARE locks rows: a check only reads")
        if kind == "ParamRef" and not bound:
            raise NotOnlyReading(place, "a parameter ($1) has no value here: use current_setting")
        if kind == "FuncCall":
            name = node["funcname"][-1]["String"]["sval"]
            if _ACTS.fullmatch(name):
                raise NotOnlyReading(place, f"{name}() acts, waits, or runs SQL of its own: a check only reads")


def upward(text: str) -> str:
    """The part of a migration's file that applies it: no mark of UTF-8 before it, and not what takes it back.

    dbmate, goose and sql-migrate have both ways in one file.
    """
    return _DOWN.split(text.removeprefix("\ufeff"), maxsplit=1)[0]


def line_of(text: str, statement: dict[str, Any]) -> int:
    """The line on which a statement begins, after its comments."""
    data = text.encode()
    begins = int(statement.get("stmt_location", 0))
    rest = data[begins:].decode(errors="replace")
    blank = re.match(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", rest, re.DOTALL)
    return data[:begins].count(b"\n") + 1 + (blank.group().count("\n") if blank else 0)


def acts(name: str) -> bool:
    """Whether a function of this name is refused."""
    return _ACTS.fullmatch(name) is not None


def nodes(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping below with the key that it stands under, as they stand in the text."""
    left = [("", tree)]
    while left:
        key, node = left.pop()
        if isinstance(node, dict):
            if key:
                yield key, node
            left.extend(reversed(node.items()))
        elif isinstance(node, list):
            left.extend(("", each) for each in reversed(node))


def _line(text: str, node: dict[str, Any], first: int) -> int:
    where = next((n["location"] for _, n in (("", node), *nodes(node)) if n.get("location")), None)
    return text.encode()[:where].count(b"\n") + 1 if where else first


def _spoken(kind: str) -> str:
    """``InsertStmt`` as people say it."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.removesuffix("Stmt")).upper()
