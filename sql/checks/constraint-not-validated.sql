-- id: constraint-not-validated
-- severity: error
-- promises: Every constraint was validated, so that the rows from before it keep to it too.
-- do: Repair the rows, then ALTER TABLE … VALIDATE CONSTRAINT …; it blocks neither readers nor writers.
-- until: 17
SELECT format('%I.%I', n.nspname, c.relname) AS place,
       format('constraint %I was never validated: rows from before it may break it', k.conname) AS what
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype IN ('f', 'c')
   AND NOT k.convalidated
   AND k.conparentid = 0
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
 ORDER BY 1, 2
