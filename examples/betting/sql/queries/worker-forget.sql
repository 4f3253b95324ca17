DELETE FROM heartbeats WHERE at < now() - interval '1 hour'
