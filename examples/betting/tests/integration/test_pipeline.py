"""From a file to ratings: the pipeline stores all games or none, and none twice."""

import psycopg
import pytest
from tools import serve_files

from betting import pipeline, worker
from betting.elo import SPORTS

HEADER = "id,sport,home,away,home_score,away_score\n"
ROWS = ["z,hockey,A,B,3,2\n", "b,hockey,B,A,1,4\n", "a,soccer,C,D,1,1\n"]


@pytest.fixture
def run(db):
    """Return a function that processes a file with the given rows."""

    def run(*lines: str) -> tuple[int, int]:
        with serve_files({"/games.csv": "".join([HEADER, *lines]).encode()}) as url, psycopg.connect() as connection:
            return pipeline.process(f"{url}/games.csv", connection)

    return run


def stored(db: psycopg.Connection) -> list[tuple]:
    return db.execute("SELECT id, home_won FROM games ORDER BY created").fetchall()


def test_games_are_stored_in_the_order_of_the_file_and_rated(run, db) -> None:
    assert run(*ROWS) == (3, 0)
    assert stored(db) == [("z", True), ("b", False), ("a", False)]
    while worker.rate_one(db):
        pass
    hockey, soccer = SPORTS["hockey"], SPORTS["soccer"]
    b, a = hockey.after(*reversed(hockey.after(1500, 1500, True)), False)
    c, d = soccer.after(1500, 1500, False)
    assert dict(db.execute("SELECT team, elo FROM ratings")) == {"A": a, "B": b, "C": c, "D": d}


def test_the_same_file_stores_nothing_again_and_a_longer_one_stores_the_rest(run, db) -> None:
    assert run(*ROWS[:2]) == (2, 0)
    assert run(*ROWS[:2]) == (0, 2)
    assert run(*ROWS) == (1, 2)
    assert len(stored(db)) == 3


def test_a_file_with_one_bad_row_stores_nothing(run, db) -> None:
    with pytest.raises(pipeline.PipelineError, match=r"games.csv, line 4: .*curling"):
        run(*ROWS[:2], "c,curling,A,B,1,0\n")
    assert stored(db) == []


def test_a_game_that_is_stored_with_another_result_stops_the_file(run, db) -> None:
    run(ROWS[0])
    with pytest.raises(pipeline.PipelineError, match=r"games\.csv, line 3: z is stored with another result"):
        run(ROWS[1], "z,hockey,A,B,2,3\n")
    assert stored(db) == [("z", True)]
