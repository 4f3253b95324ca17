-- id: invalid-index
-- severity: error
-- promises: Every index is valid, ready and live: an invalid unique index enforces nothing.
-- do: Rebuild it with REINDEX INDEX CONCURRENTLY …, or drop it. A name that ends in _ccnew or _ccold is left from an
--     interrupted REINDEX. An index of a partitioned table becomes valid once each partition's index is attached.
SELECT format('%I.%I', n.nspname, x.relname) AS place,
       format('index of %I is %s', c.relname,
              CASE WHEN NOT i.indislive THEN 'being dropped' WHEN NOT i.indisready THEN 'not ready' ELSE 'not valid' END
              || CASE WHEN i.indisunique THEN ', so it does not keep its columns unique' ELSE '' END) AS what
  FROM pg_index i
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = x.relnamespace
 WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT i.indisprimary -- primary-key reports it
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
   AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p
                    WHERE p.datname = current_database()
                      AND (p.relid = i.indrelid OR p.relid IS NULL)) -- a build in progress
 ORDER BY 1
