"""Rates games, each exactly once: the rating and the mark that it was done are one transaction."""

import signal
import socket
import threading
import time
from types import FrameType

import psycopg
import redis

from betting import VERSION, queue
from betting.elo import SPORTS

BEAT_EVERY = 0.2
FORGET = "DELETE FROM heartbeats WHERE at < now() - interval '1 hour'"
ME = socket.gethostname()
stopping = threading.Event()

CLAIM = (
    "SELECT id, sport, home, away, home_won FROM games WHERE rated IS NULL "
    "ORDER BY created LIMIT 1 FOR UPDATE SKIP LOCKED"
)
RATING = "SELECT elo FROM ratings WHERE sport = %s AND team = %s"
RATE = (
    "INSERT INTO ratings (sport, team, elo) VALUES (%s, %s, %s) "
    "ON CONFLICT (sport, team) DO UPDATE SET elo = excluded.elo"
)


def beat() -> None:
    """Says every 200 ms that this container is at work."""
    while not stopping.is_set():
        try:
            with psycopg.connect(autocommit=True) as db:
                db.execute(FORGET)
                while not stopping.wait(BEAT_EVERY):
                    db.execute("INSERT INTO heartbeats (container, version) VALUES (%s, %s)", (ME, VERSION))
        except psycopg.Error as error:
            print(f"heartbeat: {error}", flush=True)
            stopping.wait(1)


def rate_one(db: psycopg.Connection) -> bool:
    """One game, if there is one."""
    with db.transaction():
        row = db.execute(CLAIM).fetchone()
        if row is None:
            return False
        started = db.execute("SELECT clock_timestamp()").fetchone()[0]
        game, sport, home, away, home_won = row
        elo = SPORTS[sport]
        before = [(db.execute(RATING, (sport, team)).fetchone() or (elo.start,))[0] for team in (home, away)]
        for team, rating in zip((home, away), elo.after(*before, home_won), strict=True):
            db.execute(RATE, (sport, team, rating))
        db.execute("UPDATE games SET rated = now() WHERE id = %s", (game,))
        db.execute(
            "INSERT INTO jobs (game, container, version, started) VALUES (%s, %s, %s, %s)", (game, ME, VERSION, started)
        )
    return True


def work(hints: redis.Redis) -> None:
    """Until asked to stop: rates what there is, then waits for a hint, at most a second."""
    with psycopg.connect(autocommit=True) as db:
        while not stopping.is_set():
            if not rate_one(db):
                try:
                    hints.blpop([queue.NAME], timeout=1)
                    hints.delete(queue.NAME)
                except redis.RedisError as error:
                    print(f"queue: {error}", flush=True)
                    stopping.wait(1)


def stop(number: int, frame: FrameType | None) -> None:
    """The game at hand is finished first."""
    stopping.set()


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=beat).start()
    while not stopping.is_set():
        try:
            work(queue.connect())
        except psycopg.Error as error:
            print(f"database: {error}", flush=True)
            time.sleep(1)


main()
