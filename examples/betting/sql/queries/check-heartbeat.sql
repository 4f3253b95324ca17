SELECT 1 FROM heartbeats WHERE container = $1 AND at > clock_timestamp() - interval '3 seconds' LIMIT 1
