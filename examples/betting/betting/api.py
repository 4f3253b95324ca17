"""The API: GET /ratings, /health, /version; POST /games.

The client chooses a game's id: a game that it sends twice is stored once.
"""

import contextlib
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import redis
from psycopg_pool import ConnectionPool

from betting import PORT, VERSION, queue
from betting.elo import SPORTS

FIELDS = ("id", "sport", "home", "away", "home_won")
INSERT = "INSERT INTO games (id, sport, home, away, home_won) VALUES (%s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING"
RATINGS = "SELECT sport, team, elo FROM ratings ORDER BY sport, elo DESC"
HEALTH = "SELECT 1 FROM games LIMIT 1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 75
    server: "Server"

    def parse_request(self) -> bool:
        """Count the request, whose first line has arrived."""
        self.counted = True
        self.server.count(+1)
        return super().parse_request()

    def handle_one_request(self) -> None:
        self.counted = False
        try:
            super().handle_one_request()
        finally:
            if self.counted:
                self.server.count(-1)

    def do_GET(self) -> None:
        try:
            if self.path == "/health":
                with self.server.pool.connection() as db:
                    db.execute(HEALTH)
                self.answer(200, {"status": "ok", "version": VERSION})
            elif self.path == "/ratings":
                with self.server.pool.connection() as db:
                    rows = db.execute(RATINGS).fetchall()
                self.answer(200, [{"sport": sport, "team": team, "elo": round(elo, 1)} for sport, team, elo in rows])
            elif self.path in ("/", "/version"):
                self.answer(200, {"version": VERSION})
            else:
                self.answer(404, {"error": "no such page"})
        except psycopg.Error as error:
            self.answer(503, {"error": type(error).__name__})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            game = json.loads(body)
            values = [game[field] for field in FIELDS]
            if game["home"] == game["away"]:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            return self.answer(400, {"error": f"a game has {', '.join(FIELDS)} and two different teams"})
        if self.path != "/games" or str(game["sport"]) not in SPORTS:
            return self.answer(404, {"error": f"sports are {', '.join(SPORTS)}"})
        try:
            with self.server.pool.connection() as db:
                db.execute(INSERT, values)
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
            return self.answer(400, {"error": type(error).__name__})
        except psycopg.Error as error:
            return self.answer(503, {"error": type(error).__name__})
        with contextlib.suppress(redis.RedisError):  # the worker finds every unrated game without a hint
            self.server.hints.rpush(queue.NAME, game["id"])
        self.answer(200, {"id": game["id"]})

    def answer(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Write no log: the edge logs requests."""


class Server(ThreadingHTTPServer):
    """A server that counts its open requests: at its end it waits for them, but not for idle connections."""

    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], pool: ConnectionPool, hints: redis.Redis) -> None:
        super().__init__(address, Handler)
        self.pool, self.hints = pool, hints
        self.open_requests = 0
        self.changed = threading.Condition()

    def count(self, change: int) -> None:
        with self.changed:
            self.open_requests += change
            self.changed.notify_all()

    def finish(self) -> None:
        """Close the listening socket, then wait for open requests; the container's grace period is the limit."""
        self.socket.close()
        with self.changed:
            self.changed.wait_for(lambda: self.open_requests == 0)


def main() -> None:
    # A slow disk or a migration may delay every commit for seconds: requests then wait, and are not refused.
    with ConnectionPool(min_size=2, max_size=16, timeout=10, open=False) as pool:
        server = Server(("", PORT), pool, queue.connect())
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever(poll_interval=0.05)
        server.finish()


if __name__ == "__main__":
    main()
