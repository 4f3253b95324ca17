-- id: extension-version
-- severity: warn
-- promises: Every extension has the version that the server ships.
-- do: Read the extension's release notes, then ALTER EXTENSION … UPDATE.
SELECT format('extension %I', e.extname) AS place,
       format('is at version %s, the server carries %s', e.extversion, a.default_version) AS what
  FROM pg_extension e
  JOIN pg_available_extensions a ON a.name = e.extname
 WHERE a.default_version <> e.extversion
 ORDER BY 1
