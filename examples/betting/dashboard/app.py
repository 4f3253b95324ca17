"""A table of the ratings, and an upload that shows the size of a file of games."""

import psycopg
import streamlit

streamlit.title("Ratings")
with psycopg.connect() as db:
    rows = db.execute("SELECT sport, team, round(elo::numeric, 1) FROM ratings ORDER BY sport, elo DESC").fetchall()
streamlit.table([{"sport": sport, "team": team, "elo": float(elo)} for sport, team, elo in rows])
games = streamlit.file_uploader("A file of games")
if games is not None:
    streamlit.write(f"{games.name}: {len(games.getvalue())} bytes")
