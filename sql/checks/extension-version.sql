-- id: extension-version
-- severity: warn
-- promises: Every extension is at the version that the server carries.
-- do: ALTER EXTENSION … UPDATE, after its notes were read.
SELECT format('extension %I', e.extname) AS place,
       format('is at version %s, the server carries %s', e.extversion, a.default_version) AS what
  FROM pg_extension e
  JOIN pg_available_extensions a ON a.name = e.extname
 WHERE a.default_version <> e.extversion
 ORDER BY 1
