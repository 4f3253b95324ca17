"""Helpers of several tests: a server of files, free ports, waiting."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import psycopg


@contextlib.contextmanager
def serve_files(
    files: Mapping[str, bytes], status: int = 200, headers: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield the address of a server that has these files by their paths, and answers 404 for any other path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files.get(self.path)
            self.send_response_only(404 if data is None else status)
            for name, value in {"Content-Length": str(len(data or b"")), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Keep the log out of the tests' output."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ended(process: subprocess.Popen[str], by: int | None = None) -> tuple[int, str]:
    """Send a signal, if any; wait for the end, and return the exit code and the output."""
    if by is not None:
        process.send_signal(signal.Signals(by))
    output, _ = process.communicate(timeout=30)
    return process.returncode, output


def wait_for(true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def hang_up(db: psycopg.Connection) -> None:
    """End every other connection to the database, as a restart of the server does."""
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    ends = db.execute(f"SELECT pid, pg_terminate_backend(pid) {others}").fetchall()
    left = f"SELECT count(*) {others} AND pid = ANY(%s)"
    wait_for(lambda: db.execute(left, ([pid for pid, _ in ends],)).fetchone() == (0,))
