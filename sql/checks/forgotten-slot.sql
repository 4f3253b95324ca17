-- id: forgotten-slot
-- severity: error
-- promises: No unused replication slot retains the write-ahead log until the disk is full.
-- do: Start its consumer, or SELECT pg_drop_replication_slot('…').
-- check: server
SELECT format('replication slot %I', s.slot_name) AS place,
       format('nobody reads it, and it keeps %s of the write-ahead log',
              coalesce(pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)), 'none yet')) AS what,
       CASE WHEN pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) > 1e9 THEN 'error' ELSE 'warn' END AS severity
  FROM pg_replication_slots s
 WHERE NOT s.active
   AND NOT s.temporary
   AND NOT pg_is_in_recovery()
 ORDER BY 1
