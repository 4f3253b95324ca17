INSERT INTO jobs (game, container, version, started) VALUES ($1, $2, $3, $4)
