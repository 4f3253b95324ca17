-- id: collation-version-14
-- severity: error
-- promises: Text sorts as it did when the server built its indexes.
-- do: REINDEX what sorts by it, then ALTER COLLATION … REFRESH VERSION. Pin the image with its system, such as
--     postgres:14-bookworm, because another base system sorts differently. This version of the server does not record
--     the version of the database's own collation.
-- until: 14
SELECT format('%I.%I', n.nspname, c.collname) AS place,
       format('made with version %s of its library, which is %s now', c.collversion,
              pg_collation_actual_version(c.oid)) AS what
  FROM pg_collation c
  JOIN pg_namespace n ON n.oid = c.collnamespace
 WHERE c.collversion <> pg_collation_actual_version(c.oid)
   AND EXISTS (SELECT FROM pg_attribute a
                WHERE a.attcollation = c.oid AND a.attrelid IN (
                      SELECT i.indexrelid FROM pg_index i WHERE i.indexrelid >= 16384))
 ORDER BY 1
