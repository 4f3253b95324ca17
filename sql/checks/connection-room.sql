-- id: connection-room
-- severity: error
-- promises: Enough connections are left for a second colour beside the live one.
-- do: Reduce the pools, or raise max_connections (which takes a restart) or the CONNECTION LIMIT of the role or the
--     database. Two colours need twice the connections.
-- check: server
SELECT 'max_connections' AS place,
       format('%s of %s connections are in use, %s of them by this database: a second colour needs as many again, and %s are left',
              u.all_of_them, u.most, u.mine, u.most - u.all_of_them) AS what
  FROM (SELECT count(*) FILTER (WHERE a.backend_type = 'client backend') AS all_of_them,
               count(*) FILTER (WHERE a.backend_type = 'client backend' AND a.datname = current_database()) AS mine,
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                   - coalesce(current_setting('reserved_connections', true)::int, 0) AS most
          FROM pg_stat_activity a
         WHERE a.application_name <> 'switchyard predeploy') u
 WHERE u.most - u.all_of_them < u.mine
 UNION ALL
SELECT l.place,
       format('%s of %s connections that it may have are in use, and a second colour needs %s more', l.used, l.most, l.mine)
  FROM (SELECT format('database %I', d.datname) AS place, d.datconnlimit AS most,
               count(*) AS used, -- no limit stops superusers, and their connections count
               count(*) FILTER (WHERE NOT r.rolsuper) AS mine
          FROM pg_stat_activity a
          JOIN pg_database d ON d.oid = a.datid
          JOIN pg_roles r ON r.oid = a.usesysid
         WHERE d.datname = current_database() AND a.backend_type = 'client backend'
           AND a.application_name <> 'switchyard predeploy'
         GROUP BY 1, 2
         UNION ALL
        SELECT format('role %I', r.rolname), r.rolconnlimit,
               count(*), -- in every database
               count(*) FILTER (WHERE a.datname = current_database())
          FROM pg_stat_activity a
          JOIN pg_roles r ON r.oid = a.usesysid AND NOT r.rolsuper
         WHERE a.backend_type = 'client backend' AND a.application_name <> 'switchyard predeploy'
         GROUP BY 1, 2) l
 WHERE l.most >= 0 AND l.mine > 0 AND l.most - l.used < l.mine
 ORDER BY 1
