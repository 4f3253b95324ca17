"""The smallest example answers with its version, breaks as told, and finishes open requests at its end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "examples" / "web"
STARTS_WITHIN = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(port: int, how: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PORT": str(port), "BREAK": how}
    return subprocess.Popen([sys.executable, "app.py"], cwd=WEB, env=env)


def wait_for_port(port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on port {port} after {STARTS_WITHIN} s")


@contextmanager
def running(how: str = "none") -> Iterator[tuple[subprocess.Popen[bytes], http.client.HTTPConnection]]:
    port = free_port()
    process = start(port, how)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        wait_for_port(port)
        yield process, connection
    finally:
        connection.close()
        process.kill()
        process.wait()


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_one_connection_gets_version_health_and_echo() -> None:
    with running() as (_, connection):
        assert ask(connection, "GET", "/") == (200, (WEB / "VERSION").read_text().strip())
        assert ask(connection, "GET", "/health") == (200, "ok\n")
        assert ask(connection, "POST", "/echo", "hello") == (200, "hello")


def test_a_broken_health_check_does_not_break_the_pages() -> None:
    with running("health") as (_, connection):
        assert ask(connection, "GET", "/health")[0] == 500
        assert ask(connection, "GET", "/")[0] == 200


def test_an_application_told_to_crash_exits_with_3() -> None:
    assert start(free_port(), "crash").wait(timeout=STARTS_WITHIN) == 3


@pytest.mark.parametrize("idle", [0, 3])
def test_after_sigterm_an_open_request_finishes_and_idle_connections_do_not_delay_the_end(idle: int) -> None:
    with running() as (process, connection):
        others = [socket.create_connection((connection.host, connection.port)) for _ in range(idle)]
        assert ask(connection, "GET", "/health")[0] == 200
        connection.request("GET", "/slow?s=1")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        answer = connection.getresponse()
        assert (answer.status, answer.read().decode()) == (200, (WEB / "VERSION").read_text().strip())
        assert process.wait(timeout=5) == 0
        for other in others:
            other.close()
