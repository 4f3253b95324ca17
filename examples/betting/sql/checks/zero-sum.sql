-- id: zero-sum
-- severity: error
-- promises: what one team won another lost: the ratings of a sport add up to what its teams began with
-- do: a rating was changed outside of a game, or two workers rated at once; rate the sport's games again from the first
SELECT sport, sum(elo) AS ratings, 1500 * count(*) AS began
FROM ratings
GROUP BY sport
HAVING abs(sum(elo) - 1500 * count(*)) > 0.001
