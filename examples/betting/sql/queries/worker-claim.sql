SELECT id, sport, home, away, home_won, clock_timestamp() FROM games
WHERE rated IS NULL AND sport = ANY($1) ORDER BY created LIMIT 1 FOR UPDATE SKIP LOCKED
