-- id: disabled-trigger
-- severity: error
-- promises: Every trigger fires, including those of foreign keys.
-- do: ALTER TABLE … ENABLE TRIGGER … (ALL for those of foreign keys), or ALTER ROLE … (ALTER DATABASE …) RESET
--     session_replication_role. Then look for rows that arrived in the meantime.
SELECT format('%I.%I', n.nspname, c.relname) AS place,
       CASE WHEN k.oid IS NULL
            THEN format('trigger %I %s', t.tgname, s.state)
            ELSE format('the trigger of foreign key %I %s, so nothing checks it', k.conname, s.state)
       END AS what
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint AND t.tgisinternal
 CROSS JOIN LATERAL (
       SELECT CASE t.tgenabled WHEN 'D' THEN 'is disabled' ELSE 'fires in replication only' END AS state
       ) s
 WHERE t.tgenabled IN ('D', 'R')
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
 GROUP BY 1, 2
 UNION ALL
SELECT coalesce(nullif(concat_ws(' in ', 'role ' || quote_ident(r.rolname), 'database ' || quote_ident(d.datname)), ''),
                'every role'),
       'its sessions have session_replication_role = replica, in which no ordinary trigger fires and no foreign key is checked'
  FROM pg_db_role_setting s
  LEFT JOIN pg_roles r ON r.oid = s.setrole
  LEFT JOIN pg_database d ON d.oid = s.setdatabase
 WHERE (s.setdatabase = 0 OR d.datname = current_database())
   AND 'session_replication_role=replica' = ANY (s.setconfig)
 ORDER BY 1, 2
