-- id: connection-room
-- severity: error
-- promises: The connections that are left are enough for a second colour beside the live one.
-- do: Make the pools smaller, or raise max_connections (it takes a restart): two colours need twice the connections.
-- check: server
SELECT 'max_connections' AS place,
       format('%s of %s connections are in use, %s of them by this database: a second colour needs as many again, and %s are left',
              u.all_of_them, u.most, u.mine, u.most - u.all_of_them) AS what
  FROM (SELECT count(*) FILTER (WHERE a.backend_type = 'client backend') AS all_of_them,
               count(*) FILTER (WHERE a.backend_type = 'client backend' AND a.datname = current_database()) AS mine,
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most
          FROM pg_stat_activity a
         WHERE a.application_name <> 'switchyard predeploy') u
 WHERE u.most - u.all_of_them < u.mine
