"""The worker: each game is rated once, in order, and its heartbeat tells that it lives."""

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
    """The worker of this process is not asked to stop, before and after a test."""
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


def test_a_sport_of_another_release_waits_and_holds_nothing_up(db) -> None:
    add(db, "1", sport="curling")
    add(db, "2")
    assert worker.rate_one(db) and not worker.rate_one(db)
    assert db.execute("SELECT id FROM games WHERE rated IS NULL").fetchall() == [("1",)]


def test_a_hint_wakes_the_worker_and_none_is_needed(db, start, redis_url) -> None:
    process = start("betting.worker")
    add(db, "1")
    wait_for(lambda: db.execute("SELECT count(*) FROM jobs").fetchone() == (1,))
    add(db, "2")
    with redis.Redis.from_url(redis_url) as hints:
        hints.rpush(queue.NAME, "2")
    wait_for(lambda: db.execute("SELECT count(*) FROM jobs").fetchone() == (2,))
    assert ended(process, by=signal.SIGTERM) == (0, "")


def test_on_sigterm_the_game_at_hand_is_finished(db, start) -> None:
    with psycopg.connect() as locking:
        locking.execute("LOCK TABLE ratings")
        add(db, "1")
        process = start("betting.worker")
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'ratings'::regclass AND NOT granted"
        wait_for(lambda: db.execute(waiting).fetchone() == (1,))
        process.terminate()
    assert ended(process) == (0, "")
    assert db.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_without_a_queue_games_are_rated_all_the_same(db, start) -> None:
    process = start("betting.worker", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    add(db, "1")
    wait_for(lambda: db.execute("SELECT count(*) FROM jobs").fetchone() == (1,))
    code, said = ended(process, by=signal.SIGTERM)
    assert code == 0 and "queue: " in said and "Traceback" not in said


def test_a_database_that_hangs_up_is_told_and_tried_again(db, start) -> None:
    process = start("betting.worker")
    beats = "SELECT count(*) > 0 FROM heartbeats"
    wait_for(lambda: db.execute(beats).fetchone() == (True,))
    hang_up(db)
    db.execute("TRUNCATE heartbeats")
    add(db, "1")
    wait_for(lambda: db.execute("SELECT count(*) FROM jobs").fetchone() == (1,))
    wait_for(lambda: db.execute(beats).fetchone() == (True,))
    code, said = ended(process, by=signal.SIGTERM)
    assert code == 0 and "heartbeat: " in said and "database: " in said and "Traceback" not in said


def test_old_heartbeats_are_forgotten_while_the_worker_runs(db, monkeypatch) -> None:
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


def test_work_ends_when_it_is_asked_to(db, redis_url) -> None:
    add(db, "1")
    worker.stop(signal.SIGTERM, None)
    worker.work(queue.connect())
    assert db.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_the_check_of_the_worker_looks_for_its_own_fresh_heartbeat(db, monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["check", "worker"])
    beat = "INSERT INTO heartbeats (container, version, at) VALUES (%s, '1', now() - %s * interval '1 second')"
    db.execute(beat, ("another", 0))
    db.execute(beat, (socket.gethostname(), 4))
    with pytest.raises(SystemExit, match="no heartbeat of this container"):
        check.main()
    db.execute(beat, (socket.gethostname(), 1))
    check.main()


def test_the_check_of_the_api_fails_where_nobody_answers(monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["check"])
    monkeypatch.setattr(check, "PORT", free_port())
    with pytest.raises(OSError, match="refused"):
        check.main()
