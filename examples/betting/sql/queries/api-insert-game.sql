INSERT INTO games (id, sport, home, away, home_won) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING
