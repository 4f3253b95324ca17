"""The worker rates each game once, in order, and its heartbeat shows that it is alive."""

import signal
import socket
import threading

import psycopg
import pytest
import redis
from tools import ended, free_port, hang_up, wait_for

from betting import check, queue, worker
from betting.elo import SPORTS


def add(db: psycopg.Connection, name: str, sport: str = "football", home_won: bool = True) -> None:
    insert = "INSERT INTO games (id, sport, home, away, home_won) VALUES (%s, %s, 'A', 'B', %s)"
    db.execute(insert, (name, sport, home_won))


def ratings(db: psycopg.Connection) -> dict[str, float]:
    return dict(db.execute("SELECT team, elo FROM ratings").fetchall())


@pytest.fixture(autouse=True)
def going():
    """Clear the request to stop the worker of this process, before and after each test."""
    worker.stopping.clear()
    yield
    worker.stopping.clear()


def test_games_are_rated_in_the_order_of_their_creation(db) -> None:
    add(db, "1")
    add(db, "2", home_won=False)
    assert worker.rate_one(db) and worker.rate_one(db) and not worker.rate_one(db)
    elo = SPORTS["football"]
    assert tuple(ratings(db).values()) == elo.after(*elo.after(1500, 1500, True), False)
    assert db.execute("SELECT game, version FROM jobs ORDER BY started").fetchall() == [
        ("1", worker.VERSION),
        ("2", worker.VERSION),
    ]


def test_a_game_that_fails_midway_changes_nothing(db) -> None:
    add(db, "1")
    db.execute("INSERT INTO jobs (game, container, version, started) VALUES ('1', 'other', '1', now())")
    with pytest.raises(psycopg.errors.UniqueViolation):
        worker.rate_one(db)
    assert ratings(db) == {}
    assert db.execute("SELECT rated FROM games").fetchone() == (None,)


def test_a_game_of_an_unknown_sport_waits_and_delays_no_other(db) -> None:
    add(db, "1", sport="curling")
    add(db, "2")
    assert worker.rate_one(db) and not worker.rate_one(db)
    assert db.execute("SELECT id FROM games WHERE rated IS NULL").fetchall() == [("1",)]


def test_a_hint_wakes_the_worker_but_it_needs_none(db, start, redis_url) -> None:
    process = start("betting.worker")
    add(db, "1")
    wait_for(lambda: db.execute("SELECT count(*) FROM jobs").fetchone() == (1,))
    add(db, "2")
    with redis.Redis.from_url(redis_url) as hints:
        hints.rpush(queue.NAME, "2")
    wait_for(lambda: db.execute("SELECT count(*) FROM jobs").fetchone() == (2,))
    assert ended(process, by=signal.SIGTERM) == (0, "")


def test_after_sigterm_the_worker_finishes_the_current_game(db, start) -> None:
    with psycopg.connect() as locking:
        locking.execute("LOCK TABLE ratings")
        add(db, "1")
        process = start("betting.worker")
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'ratings'::regclass AND NOT granted"
        wait_for(lambda: db.execute(waiting).fetchone() == (1,))
        process.terminate()
    assert ended(process) == (0, "")
    assert db.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_games_are_rated_without_the_queue(db, start) -> None:
    process = start("betting.worker", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    add(db, "1")
    wait_for(lambda: db.execute("SELECT count(*) FROM jobs").fetchone() == (1,))
    code, output = ended(process, by=signal.SIGTERM)
    assert code == 0 and "queue: " in output and "Traceback" not in output


def test_the_worker_reports_a_closed_database_connection_and_connects_again(db, start) -> None:
    process = start("betting.worker")
    beats = "SELECT count(*) > 0 FROM heartbeats"
    wait_for(lambda: db.execute(beats).fetchone() == (True,))
    hang_up(db)
    db.execute("TRUNCATE heartbeats")
    add(db, "1")
    wait_for(lambda: db.execute("SELECT count(*) FROM jobs").fetchone() == (1,))
    wait_for(lambda: db.execute(beats).fetchone() == (True,))
    code, output = ended(process, by=signal.SIGTERM)
    assert code == 0 and "heartbeat: " in output and "database: " in output and "Traceback" not in output


def test_the_worker_deletes_old_heartbeats_while_it_runs(db, monkeypatch) -> None:
    monkeypatch.setattr(worker, "BEAT_EVERY", 0.001)
    monkeypatch.setattr(worker, "FORGET_EVERY", 5)
    thread = threading.Thread(target=worker.beat)
    thread.start()
    wait_for(lambda: db.execute("SELECT count(*) > 0 FROM heartbeats").fetchone() == (True,))
    db.execute("INSERT INTO heartbeats (container, version, at) VALUES ('gone', '1', now() - interval '61 minutes')")
    wait_for(lambda: db.execute("SELECT count(*) FROM heartbeats WHERE container = 'gone'").fetchone() == (0,))
    worker.stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    assert db.execute("SELECT DISTINCT container FROM heartbeats").fetchall() == [(worker.ME,)]


def test_the_worker_stops_when_it_is_asked_to(db, redis_url) -> None:
    add(db, "1")
    worker.stop(signal.SIGTERM, None)
    worker.work(queue.connect())
    assert db.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_the_check_of_the_worker_requires_a_fresh_heartbeat_of_its_own_container(db, monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["check", "worker"])
    beat = "INSERT INTO heartbeats (container, version, at) VALUES (%s, '1', now() - %s * interval '1 second')"
    db.execute(beat, ("another", 0))
    db.execute(beat, (socket.gethostname(), 4))
    with pytest.raises(SystemExit, match="no heartbeat of this container"):
        check.main()
    db.execute(beat, (socket.gethostname(), 1))
    check.main()


def test_the_check_of_the_api_fails_without_an_answer(monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["check"])
    monkeypatch.setattr(check, "PORT", free_port())
    with pytest.raises(OSError, match="refused"):
        check.main()
