SELECT sport, team, elo FROM ratings ORDER BY sport, elo DESC
