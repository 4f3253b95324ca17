INSERT INTO ratings (sport, team, elo) VALUES ($1, $2, $3)
ON CONFLICT (sport, team) DO UPDATE SET elo = excluded.elo
