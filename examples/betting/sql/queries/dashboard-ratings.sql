SELECT sport, team, round(elo::numeric, 1) FROM ratings ORDER BY sport, elo DESC
