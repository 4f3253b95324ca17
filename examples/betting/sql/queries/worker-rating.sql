SELECT elo FROM ratings WHERE sport = $1 AND team = $2
