-- id: rated-once
-- severity: error
-- promises: every rated game has its job, and every job is of a rated game
-- do: a game was rated by hand, or its transaction was cut in two; find out which before its rating is trusted
SELECT games.id AS game, games.rated, jobs.container, jobs.ended
FROM games FULL JOIN jobs ON jobs.game = games.id
WHERE (games.rated IS NULL) <> (jobs.game IS NULL)
