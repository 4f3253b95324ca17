-- id: foreign-key-index
-- severity: warn
-- promises: Every foreign key has an index that begins with its columns, so that a delete in the parent scans no child table.
-- do: CREATE INDEX CONCURRENTLY … on these columns, unless nobody deletes rows of the parent or changes their keys.
SELECT format('%I.%I', n.nspname, c.relname) AS place,
       format('foreign key %I (%s) has no index', k.conname,
              (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.n)
                 FROM unnest(k.conkey) WITH ORDINALITY x (attnum, n)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.attnum)) AS what
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f'
   AND k.conparentid = 0
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
   AND NOT EXISTS (
       SELECT FROM pg_index i
         JOIN pg_class x ON x.oid = i.indexrelid
         JOIN pg_am m ON m.oid = x.relam AND m.amname IN ('btree', 'hash') -- others do not find a single key quickly
        WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
          AND i.indnkeyatts >= cardinality(k.conkey) -- columns that it only includes do not count
          AND k.conkey <@ (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)])
 ORDER BY 1, 2
