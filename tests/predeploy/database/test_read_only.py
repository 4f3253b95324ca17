"""Checks run SQL that only reads."""

from __future__ import annotations

import pytest

from switchyard.predeploy.database.read_only import acts, require_read_only
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.syntax_tree import RefusedSql


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT 1; SELECT 2", "more than one"),
        ("COMMIT", "TRANSACTION"),
        ("COPY (SELECT 1) TO PROGRAM 'true'", "COPY"),
        ("DO $$ BEGIN END $$", "DO"),
        ("CALL x()", "CALL"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
        ("SELECT * INTO t FROM x", "SELECT INTO"),
        ("SELECT * FROM t FOR UPDATE", "FOR UPDATE"),
        ("SELECT * FROM (SELECT * FROM t FOR KEY SHARE) s", "FOR UPDATE"),
        ("WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x", "INSERT"),
        ("WITH x AS (MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE RETURNING 1) TABLE x", "MERGE"),
        ("SELECT pg_terminate_backend(1)", "pg_terminate_backend"),
        ('SELECT pg_catalog."pg_reload_conf"()', "pg_reload_conf"),
        ("SELECT * FROM LATERAL lo_export(1, 'x')", "lo_export"),
        ("VALUES (1), ((SELECT nextval('s')))", "nextval"),
        ("SELECT 1 ORDER BY (SELECT count(*) FROM dblink('x', 'y') AS t (a int))", "dblink"),
        ("SELECT query_to_xml('SELECT pg_reload_conf()', true, true, '')", "query_to_xml"),
        ("SELECT CASE WHEN pg_read_file('x') = '' THEN 1 END", "pg_read_file"),
        ("SELECT $1", "parameter"),
        ("-- nothing", "no statement"),
        ("SELECT FROM WHERE", "not SQL"),
        ("\\copy t to x", "not SQL"),
    ],
)
def test_what_does_more_than_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(RefusedSql, match=words):
        require_read_only(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "/* ; */ SELECT ';' -- ; DELETE\n;",
        "WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT sum(n) FROM t",
        "TABLE pg_class",
        "SELECT 'pg_terminate_backend(1)', current_setting('x', true), random(), \"delete\" FROM t AS \"update\"",
        "(SELECT 1) UNION (SELECT 2) ORDER BY 1",
    ],
)
def test_what_only_reads_is_not(text: str) -> None:
    require_read_only(text)


HARMLESS = {
    *("clock_timestamp", "gen_random_uuid", "random", "random_normal", "timeofday", "uuidv4", "uuidv7"),
    *("pg_available_wal_summaries", "pg_blocking_pids", "pg_collation_actual_version", "pg_control_checkpoint"),
    *("pg_control_init", "pg_control_recovery", "pg_control_system", "pg_current_wal_flush_lsn"),
    *("pg_current_wal_insert_lsn", "pg_current_wal_lsn", "pg_database_collation_actual_version", "pg_database_size"),
    *("pg_get_aios", "pg_get_backend_memory_contexts", "pg_get_loaded_modules", "pg_get_multixact_members"),
    *("pg_get_sequence_data", "pg_get_shmem_allocations", "pg_get_shmem_allocations_numa", "pg_get_wait_events"),
    *("pg_get_wal_replay_pause_state", "pg_get_wal_resource_managers", "pg_get_wal_summarizer_state"),
    *("pg_hba_file_rules", "pg_ident_file_mappings", "pg_indexes_size", "pg_is_in_recovery", "pg_is_wal_replay_paused"),
    *("pg_jit_available", "pg_last_committed_xact", "pg_last_wal_receive_lsn", "pg_last_wal_replay_lsn"),
    *("pg_last_xact_replay_timestamp", "pg_lock_status", "pg_notification_queue_usage", "pg_partition_ancestors"),
    *("pg_partition_tree", "pg_prepared_xact", "pg_relation_size", "pg_safe_snapshot_blocking_pids"),
    *("pg_sequence_last_value", "pg_show_all_file_settings", "pg_show_replication_origin_status"),
    *("pg_stat_have_stats", "pg_table_size", "pg_tablespace_size", "pg_total_relation_size"),
    *("pg_wal_summary_contents", "pg_xact_commit_timestamp", "pg_xact_commit_timestamp_origin", "pg_xact_status"),
    *("amvalidate", "array_sample", "array_shuffle", "current_query", "dsnowball_init", "dsnowball_lexize"),
    *("pg_is_in_backup", "timezone", "txid_status"),
}
"""Functions of the catalog that may answer differently each time and change nothing."""


def test_every_function_that_could_act_is_refused_or_known_to_be_harmless(server: Server) -> None:
    with server.open("postgres") as connection:
        volatile = connection.execute(
            "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND pronamespace = 'pg_catalog'::regnamespace"
        ).fetchall()
    names = {name for (name,) in volatile if not name.startswith("pg_stat_get_")}
    assert {name for name in names if not acts(name)} <= HARMLESS
    assert not any(acts(name) for name in HARMLESS)
