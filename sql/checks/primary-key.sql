-- id: primary-key
-- severity: error
-- promises: Every table has a primary key, and its index is valid.
-- do: Add one with ALTER TABLE … ADD PRIMARY KEY (…). An invalid one of a partitioned table becomes valid once each
--     partition's index is attached.
SELECT format('%I.%I', n.nspname, c.relname) AS place,
       CASE WHEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
            THEN 'its primary key is not valid'
            WHEN u.name IS NOT NULL
            THEN format('no primary key; %I is unique and not null, and could be it', u.name)
            ELSE 'no primary key'
       END AS what,
       CASE WHEN u.name IS NULL THEN 'error' ELSE 'warn' END AS severity
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
       SELECT min(x.relname) AS name
         FROM pg_index i
         JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
          AND NOT EXISTS (SELECT FROM pg_attribute a
                           WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                             AND (NOT a.attnotnull
                                  OR EXISTS (SELECT FROM pg_constraint k -- from PostgreSQL 18 on, NOT NULL … NOT VALID
                                              WHERE k.conrelid = c.oid AND k.contype = 'n' AND NOT k.convalidated
                                                AND k.conkey = ARRAY[a.attnum])))
       ) u ON true
 WHERE c.relkind IN ('r', 'p')
   AND NOT c.relispartition
   AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
   AND NOT current_setting('switchyard.ignored')::jsonb ?| ARRAY[n.nspname || '.' || c.relname, n.nspname || '.*']
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid)
 ORDER BY 1
