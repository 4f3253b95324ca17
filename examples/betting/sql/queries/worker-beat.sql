INSERT INTO heartbeats (container, version) VALUES ($1, $2)
