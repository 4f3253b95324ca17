-- id: rated-once
-- severity: error
-- promises: every rated game has a job, and every job belongs to a rated game
-- do: find out whether a game was rated by hand or in half a transaction, before you trust its rating
SELECT games.id AS game, games.rated, jobs.container, jobs.ended
FROM games FULL JOIN jobs ON jobs.game = games.id
WHERE (games.rated IS NULL) <> (jobs.game IS NULL)
