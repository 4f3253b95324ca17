SELECT id FROM games JOIN unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[])
AS file (id, sport, home, away, home_won) USING (id)
WHERE (games.sport, games.home, games.away, games.home_won)
IS DISTINCT FROM (file.sport, file.home, file.away, file.home_won)
