-- id: long-transaction
-- severity: error
-- promises: No transaction has been open for long: a migration would wait for it, and every other client for the
--     migration.
-- do: Find its client and end it, or deploy later. Wait for a dump or a backup.
-- check: server
SELECT format('process %s', a.pid) AS place,
       format('a transaction of role %s (application %s) is open for %s s, %s', a.usename,
              coalesce(nullif(a.application_name, ''), 'unnamed'), extract(epoch FROM clock_timestamp() - a.xact_start)::int,
              a.state) AS what
  FROM pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.backend_type = 'client backend'
   AND a.xact_start < clock_timestamp() - current_setting('switchyard.transaction')::interval
   AND a.application_name <> 'switchyard predeploy'
 UNION ALL
SELECT format('prepared transaction %s', p.gid),
       format('prepared by role %s and waiting for its end for %s s', p.owner,
              extract(epoch FROM clock_timestamp() - p.prepared)::int)
  FROM pg_prepared_xacts p
 WHERE p.prepared < clock_timestamp() - current_setting('switchyard.transaction')::interval
 ORDER BY 1
