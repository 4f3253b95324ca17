-- id: zero-sum
-- severity: error
-- promises: one team gains what another loses: the ratings of a sport add up to those that its teams started with
-- do: a rating changed outside of a game, or two workers rated at once; rate the sport's games again from the first
SELECT sport, sum(elo) AS ratings, 1500 * count(*) AS began
FROM ratings
GROUP BY sport
HAVING abs(sum(elo) - 1500 * count(*)) > 0.001
