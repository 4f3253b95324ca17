-- id: superuser
-- severity: warn
-- promises: The checks connect with a role that cannot change anything.
-- do: Create a role for them (pg_read_all_data, pg_monitor, BYPASSRLS, LOGIN) and name it in app.predeploy.database.role.
-- check: server
SELECT format('role %I', r.rolname) AS place,
       'the checks connect as a superuser, whom a read-only transaction does not hold back' AS what
  FROM pg_roles r
 WHERE r.rolname = current_user AND r.rolsuper
