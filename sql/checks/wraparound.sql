-- id: wraparound
-- severity: error
-- promises: No table is near the end of the transaction ids, where the server stops writing.
-- do: VACUUM (FREEZE) the table; find what holds vacuum back: a long transaction, a prepared one, a forgotten slot.
SELECT format('%I.%I', n.nspname, c.relname) AS place,
       format('its oldest row is %s transactions old; at 2,000,000,000 the server stops writing',
              to_char(greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)), 'FM999,999,999,999')) AS what,
       CASE WHEN greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) > 1500000000 THEN 'error' ELSE 'warn' END AS severity
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 't', 'm')
   AND greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) > 1000000000
 ORDER BY greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) DESC
 LIMIT 20
