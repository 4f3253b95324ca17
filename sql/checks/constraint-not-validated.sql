-- id: constraint-not-validated
-- severity: error
-- promises: Every constraint is validated, so that rows that are older than it satisfy it too.
-- do: Repair the rows, then ALTER TABLE … (or ALTER DOMAIN …) VALIDATE CONSTRAINT …, which blocks neither readers
--     nor writers of a table.
-- until: 17
SELECT format('%I.%I', n.nspname, coalesce(c.relname, d.typname)) AS place,
       format('constraint %I was never validated: rows from before it may break it', k.conname) AS what
  FROM pg_constraint k
  LEFT JOIN pg_class c ON c.oid = k.conrelid
  LEFT JOIN pg_type d ON d.oid = k.contypid -- a domain's
  JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, d.typnamespace)
 WHERE k.contype IN ('f', 'c')
   AND NOT k.convalidated
   AND k.conparentid = 0
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT current_setting('switchyard.ignored')::jsonb
           ?| ARRAY[n.nspname || '.' || coalesce(c.relname, d.typname), n.nspname || '.*']
 ORDER BY 1, 2
