"""Rate each game exactly once: one transaction stores the ratings and marks the game as rated."""

import itertools
import signal
import socket
import threading

import psycopg
import redis

from betting import VERSION, queue
from betting.elo import SPORTS

BEAT_EVERY = 0.2
FORGET_EVERY = 300
"""Heartbeats between two deletions of old ones: one minute."""
HINT_WITHIN = 0.25
AGAIN_AFTER = 0.2
BEAT = "INSERT INTO heartbeats (container, version) VALUES (%s, %s)"
FORGET = "DELETE FROM heartbeats WHERE at < now() - interval '1 hour'"
ME = socket.gethostname()
stopping = threading.Event()

# Another release may store games of sports that this one does not know: they wait for a release that does.
CLAIM = (
    "SELECT id, sport, home, away, home_won, clock_timestamp() FROM games "
    "WHERE rated IS NULL AND sport = ANY(%s) ORDER BY created LIMIT 1 FOR UPDATE SKIP LOCKED"
)
RATING = "SELECT elo FROM ratings WHERE sport = %s AND team = %s"
RATE = (
    "INSERT INTO ratings (sport, team, elo) VALUES (%s, %s, %s) "
    "ON CONFLICT (sport, team) DO UPDATE SET elo = excluded.elo"
)
RATED = "UPDATE games SET rated = now() WHERE id = %s"
DONE = "INSERT INTO jobs (game, container, version, started) VALUES (%s, %s, %s, %s)"


def beat() -> None:
    """Store a heartbeat of this container every 200 ms."""
    while not stopping.is_set():
        try:
            with psycopg.connect(autocommit=True) as db:
                for number in itertools.count():
                    if number % FORGET_EVERY == 0:
                        db.execute(FORGET)
                    db.execute(BEAT, (ME, VERSION))
                    if stopping.wait(BEAT_EVERY):
                        break
        except psycopg.Error as error:
            print(f"heartbeat: {error}", flush=True)
            stopping.wait(AGAIN_AFTER)


def rate_one(db: psycopg.Connection) -> bool:
    """Rate the oldest unrated game. Return whether there was one."""
    with db.transaction():
        row = db.execute(CLAIM, (list(SPORTS),)).fetchone()
        if row is None:
            return False
        game, sport, home, away, home_won, started = row
        elo = SPORTS[sport]
        before = [(db.execute(RATING, (sport, team)).fetchone() or (elo.start,))[0] for team in (home, away)]
        for team, rating in zip((home, away), elo.after(*before, home_won), strict=True):
            db.execute(RATE, (sport, team, rating))
        db.execute(RATED, (game,))
        db.execute(DONE, (game, ME, VERSION, started))
    return True


def work(hints: redis.Redis) -> None:
    """Rate games until asked to stop. When none is left, wait for a hint or a quarter of a second."""
    with psycopg.connect(autocommit=True) as db:
        while not stopping.is_set():
            if not rate_one(db):
                try:
                    hints.blpop([queue.NAME], timeout=HINT_WITHIN)
                    hints.delete(queue.NAME)
                except redis.RedisError as error:
                    print(f"queue: {error}", flush=True)
                    stopping.wait(AGAIN_AFTER)


def stop(*_: object) -> None:
    """Ask the worker to stop once it has rated the current game."""
    stopping.set()


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=beat, daemon=True).start()
    while not stopping.is_set():
        try:
            work(queue.connect())
        except psycopg.Error as error:
            print(f"database: {error}", flush=True)
            stopping.wait(AGAIN_AFTER)


if __name__ == "__main__":
    main()
