-- id: duplicate-index
-- severity: warn
-- promises: No two indexes of a table are the same: the second slows every write and helps no query.
-- do: DROP INDEX CONCURRENTLY … on the one that no constraint needs.
SELECT format('%I.%I', n.nspname, c.relname) AS place,
       format('indexes %s are the same', string_agg(quote_ident(x.relname), ', ' ORDER BY x.relname)) AS what
  FROM pg_index i
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT x.relispartition
   AND i.indisvalid
   AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
 GROUP BY n.nspname, c.relname, c.oid, x.relam, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text,
       i.indnkeyatts, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
HAVING count(*) > 1
 ORDER BY 1, 2
