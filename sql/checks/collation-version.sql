-- id: collation-version
-- severity: error
-- promises: Text sorts as it did when the server built its indexes.
-- do: REINDEX what sorts by it, then ALTER DATABASE … (or ALTER COLLATION …) REFRESH COLLATION VERSION. Pin the image
--     with its system, such as postgres:17-bookworm, because another base system sorts differently.
-- since: 15
SELECT format('%I.%I', n.nspname, c.collname) AS place,
       format('made with version %s of its library, which is %s now', c.collversion,
              pg_collation_actual_version(c.oid)) AS what
  FROM pg_collation c
  JOIN pg_namespace n ON n.oid = c.collnamespace
 WHERE c.collversion <> pg_collation_actual_version(c.oid)
   AND EXISTS (SELECT FROM pg_attribute a
                WHERE a.attcollation = c.oid AND a.attrelid IN (
                      SELECT i.indexrelid FROM pg_index i WHERE i.indexrelid >= 16384))
 UNION ALL
SELECT format('database %I', d.datname),
       format('made with version %s of its library, which is %s now', d.datcollversion,
              pg_database_collation_actual_version(d.oid))
  FROM pg_database d
 WHERE d.datname = current_database()
   AND d.datcollversion <> pg_database_collation_actual_version(d.oid)
 ORDER BY 1
