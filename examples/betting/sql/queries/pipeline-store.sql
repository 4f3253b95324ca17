INSERT INTO games (id, sport, home, away, home_won, created)
SELECT id, sport, home, away, home_won, now() + number * interval '1 microsecond'
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[])
WITH ORDINALITY AS file (id, sport, home, away, home_won, number) ON CONFLICT (id) DO NOTHING
