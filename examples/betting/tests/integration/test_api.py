"""The API over a real socket, with its database and its queue."""

import http.client
import json
import threading
import time

import psycopg
import pytest
from psycopg_pool import ConnectionPool
from tools import accepts, ended, free_port, hang_up, wait_for

from betting import api, queue

GAME = {"id": "g1", "sport": "football", "home": "A", "away": "B", "home_won": True}


@pytest.fixture
def serving(db, redis_url):
    """Run the API on a free port, in this process."""
    with ConnectionPool(min_size=1, max_size=4, timeout=1, open=False) as pool:
        pool.wait()
        server = api.Server(("127.0.0.1", 0), pool, queue.connect())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        server.finish()
        server.hints.close()


def ask(server, method: str, path: str, body: object = None) -> tuple[int, object]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, body if isinstance(body, bytes | None) else json.dumps(body).encode())
    answer = connection.getresponse()
    value = json.loads(answer.read())
    connection.close()
    return answer.status, value


def test_a_game_is_stored_once_however_often_it_is_sent(serving, db) -> None:
    assert ask(serving, "POST", "/games", GAME) == (200, {"id": "g1"})
    assert ask(serving, "POST", "/games", {**GAME, "home_won": False}) == (200, {"id": "g1"})
    assert db.execute("SELECT id, sport, home, away, home_won FROM games").fetchall() == [tuple(GAME.values())]


def test_the_worker_gets_a_hint_of_a_stored_game(serving) -> None:
    serving.hints.delete(queue.NAME)
    ask(serving, "POST", "/games", GAME)
    assert serving.hints.blpop([queue.NAME], timeout=1) == (queue.NAME, "g1")


def test_a_game_is_stored_without_the_queue_and_without_delay(serving, db, monkeypatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    serving.hints = queue.connect()
    began = time.monotonic()
    assert ask(serving, "POST", "/games", GAME)[0] == 200
    assert time.monotonic() - began < 1
    assert db.execute("SELECT count(*) FROM games").fetchone() == (1,)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/games", b"{", 400),
        ("/games", [], 400),
        ("/games", {"id": "g1"}, 400),
        ("/games", {**GAME, "away": "A"}, 400),
        ("/games", {**GAME, "home_won": "perhaps"}, 400),
        ("/games", {**GAME, "home_won": None}, 400),
        ("/games", {**GAME, "sport": "curling"}, 404),
        ("/scores", GAME, 404),
    ],
)
def test_a_request_that_is_not_a_game_is_refused(serving, db, path: str, body: object, status: int) -> None:
    assert ask(serving, "POST", path, body)[0] == status
    assert db.execute("SELECT count(*) FROM games").fetchone() == (0,)


def test_the_highest_rating_is_listed_first(serving, db) -> None:
    db.execute("INSERT INTO ratings VALUES ('tennis', 'A', 1490.04), ('tennis', 'B', 1509.96)")
    listed = [{"sport": "tennis", "team": "B", "elo": 1510.0}, {"sport": "tennis", "team": "A", "elo": 1490.0}]
    assert ask(serving, "GET", "/ratings") == (200, listed)


def test_health_and_version_have_pages_and_other_paths_are_not_found(serving) -> None:
    assert ask(serving, "GET", "/health")[1] == {"status": "ok", "version": api.VERSION}
    assert ask(serving, "GET", "/version") == ask(serving, "GET", "/") == (200, {"version": api.VERSION})
    assert ask(serving, "GET", "/nothing")[0] == 404


def test_a_missing_table_is_a_503_and_the_server_goes_on(serving, db) -> None:
    db.execute("ALTER TABLE games RENAME TO away")
    try:
        assert ask(serving, "GET", "/health") == (503, {"error": "UndefinedTable"})
    finally:
        db.execute("ALTER TABLE away RENAME TO games")
    assert ask(serving, "GET", "/health")[0] == 200


def test_a_request_on_a_connection_that_the_database_closed_is_a_503_and_the_next_one_succeeds(serving, db) -> None:
    # Only the next statement on a connection notices that the server closed it.
    hang_up(db)
    assert ask(serving, "POST", "/games", GAME)[0] == 503
    wait_for(lambda: ask(serving, "POST", "/games", GAME)[0] == 200)


def test_after_sigterm_an_open_request_is_answered_before_the_process_ends(start, db) -> None:
    port = free_port()
    process = start("betting.api", PORT=str(port))
    wait_for(lambda: accepts(port))
    with psycopg.connect() as locking:
        locking.execute("LOCK TABLE games IN EXCLUSIVE MODE")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/games", json.dumps(GAME))
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'games'::regclass AND NOT granted"
        wait_for(lambda: db.execute(waiting).fetchone() == (1,))
        process.terminate()
        wait_for(lambda: not accepts(port))
        assert process.poll() is None
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b'{"id": "g1"}')
    connection.close()
    assert ended(process) == (0, "")
