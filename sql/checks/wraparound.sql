-- id: wraparound
-- severity: error
-- promises: No table, and no other database of the server, is close to transaction id wraparound, at which the server
--     refuses to write.
-- do: VACUUM (FREEZE) the table, or the whole other database. Find what blocks vacuum: a long transaction, a prepared
--     transaction, or a forgotten slot.
SELECT a.place,
       format('its oldest row is %s transactions old; at 2,000,000,000 the server stops writing',
              to_char(a.age, 'FM999,999,999,999')) AS what,
       CASE WHEN a.age > 1500000000 THEN 'error' ELSE 'warn' END AS severity
  FROM (SELECT format('%I.%I', n.nspname, c.relname) AS place, greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) AS age
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 't', 'm')
         UNION ALL
        SELECT format('database %I', d.datname), greatest(age(d.datfrozenxid), mxid_age(d.datminmxid))
          FROM pg_database d
         WHERE d.datname <> current_database()) a
 WHERE a.age > 1000000000
 ORDER BY a.age DESC
 LIMIT 20
