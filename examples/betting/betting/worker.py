"""Rates games, each exactly once: the rating and the mark that it was done are one transaction."""

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
"""Beats, so once a minute."""
HINT_WITHIN = 0.25
AGAIN_AFTER = 0.2
BEAT = "INSERT INTO heartbeats (container, version) VALUES (%s, %s)"
FORGET = "DELETE FROM heartbeats WHERE at < now() - interval '1 hour'"
ME = socket.gethostname()
stopping = threading.Event()

# A game of a sport that this release does not know waits for one that does: another release may have stored it.
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
    """Says every 200 ms that this container is at work."""
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
    """One game, if there is one."""
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
    """Until asked to stop: rates what there is, then waits for a hint, or a quarter of a second."""
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
    """The game at hand is finished first."""
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
