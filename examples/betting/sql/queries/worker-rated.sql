UPDATE games SET rated = now() WHERE id = $1
