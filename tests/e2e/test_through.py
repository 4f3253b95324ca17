"""Slow, long, large and endless exchanges pass through the edge as they do without it, also during a switch."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.harness.site import PORTS

SERVER = """
import base64, hashlib, json, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = urlsplit(self.path)
        wanted = {key: float(value[0]) for key, value in parse_qs(parts.query).items()}
        if parts.path == "/tunnel":
            self.send_response(101)
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "websocket")
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
            self.send_header("Sec-WebSocket-Accept", accept)
            self.end_headers()
            while data := self.connection.recv(4096):
                self.connection.sendall(data)
            self.close_connection = True
        elif parts.path == "/events":
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for number in range(int(wanted["count"])):
                self.wfile.write(f"data: {number}\\n\\n".encode())
                self.wfile.flush()
                time.sleep(wanted["every"])
            self.close_connection = True
        elif parts.path == "/quiet":
            time.sleep(wanted["seconds"])
            self.answer({"version": Path("VERSION").read_text()})
        else:
            self.answer({"headers": dict(self.headers)})

    def do_POST(self):
        left, seen = int(self.headers["Content-Length"]), hashlib.sha256()
        while left:
            data = self.rfile.read(min(left, 1 << 20))
            seen.update(data)
            left -= len(data)
        self.answer({"sha256": seen.hexdigest()})

    def answer(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
HANDSHAKE = (
    b"GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
)
BLOCK = bytes(range(256)) * 4096


@pytest.fixture
def server(site):
    (site.app / "app.py").write_text(SERVER)
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text().split("    healthcheck:")[0])
    site.settings(checks={"web": {"port": 8000, "path": "/"}})
    site.commit("1")
    site.receipt("deploy")
    return site


@contextlib.contextmanager
def connect(site, within: float = 30) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(site.host.ip, site.port, timeout=within)
    try:
        yield connection
    finally:
        connection.close()


def test_large_headers_and_the_client_s_address_reach_the_application(server):
    with connect(server) as connection:
        connection.request("GET", "/", headers={f"X-Big-{number}": "b" * 4000 for number in range(8)})
        address = connection.sock.getsockname()[0]
        answer = connection.getresponse()
        body = answer.read()
    assert answer.status == 200
    seen = {name.lower(): value for name, value in json.loads(body)["headers"].items()}
    assert [len(seen[f"x-big-{number}"]) for number in range(8)] == [4000] * 8
    assert seen["x-forwarded-for"] == address


@pytest.mark.parametrize("blocks", [64, pytest.param(1024, marks=pytest.mark.long)])
def test_a_large_upload_arrives_whole(server, blocks):
    seen = hashlib.sha256()
    with connect(server, 300) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(len(BLOCK) * blocks))
        connection.endheaders()
        for _ in range(blocks):
            connection.send(BLOCK)
            seen.update(BLOCK)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"sha256": seen.hexdigest()})


@pytest.mark.parametrize("seconds,idle", [(8, 10), pytest.param(300, 600, marks=pytest.mark.long)])
def test_a_quiet_response_events_and_an_idle_websocket_outlive_a_switch(server, seconds, idle):
    """Each begins on release 1 before the switch, and ends on release 1 after release 2 is live."""
    results: dict[str, object] = {}

    def quiet() -> None:
        with connect(server, seconds + 30) as connection:
            connection.request("GET", f"/quiet?seconds={seconds}")
            results["quiet"] = json.loads(connection.getresponse().read())["version"]

    def events() -> None:
        with connect(server) as connection:
            connection.request("GET", f"/events?count={seconds * 2}&every=0.5")
            answer, began, late = connection.getresponse(), time.monotonic(), 0.0
            for number in range(seconds * 2):
                assert answer.readline() == f"data: {number}\n".encode() and answer.readline() == b"\n"
                late = max(late, time.monotonic() - began - number * 0.5)
            results["events"] = late

    with socket.create_connection((server.host.ip, server.port), timeout=30) as tunnel:
        tunnel.sendall(HANDSHAKE)
        assert tunnel.recv(4096).startswith(b"HTTP/1.1 101")
        opened = time.monotonic()
        workers = [threading.Thread(target=work) for work in (quiet, events)]
        for worker in workers:
            worker.start()
        server.commit("2")
        server.receipt("deploy")
        for worker in workers:
            worker.join()
        time.sleep(max(0.0, opened + idle - time.monotonic()))
        tunnel.sendall(b"still there")
        assert tunnel.recv(4096) == b"still there"
    assert results["quiet"] == "1"
    assert results["events"] < 2, "events were held up on their way"


ECHO = """
import socketserver

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(open("VERSION", "rb").read() + b"\\n")
        for line in self.rfile:
            self.wfile.write(line)

socketserver.ThreadingTCPServer(("", 7000), Echo).serve_forever()
"""


@pytest.fixture
def echo(site):
    """Add a service that speaks first and has a TCP route, and return its port."""
    port = next(PORTS)
    service = {"build": ".", "init": True, "command": ["python3", "-c", ECHO], "ports": [f"{port}:7000"]}
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text() + f"  echo: {json.dumps(service)}\n")
    routes = [{"service": "web", "port": 8000}, {"service": "echo", "port": 7000, "mode": "tcp"}]
    site.settings(routes=routes, checks={"echo": {"port": 7000}})
    return port


def test_what_is_open_stays_with_its_colour_until_that_is_retired_which_counts_what_it_cuts(site, echo):
    """Hold a connection of a TCP route, and a request that waits for its answer."""

    def opened(port: int) -> socket.socket:
        return socket.create_connection((site.host.ip, port), timeout=10)

    site.rewrite("stop_grace_period: 20s", "stop_grace_period: 1s")
    page = site.app / "app.py"
    page.write_text(page.read_text().replace("min(30.0, ", "min(600.0, "))  # longer than two deploys take anywhere
    site.commit("1")
    site.receipt("deploy")
    with opened(echo) as old, old.makefile("rwb", buffering=0) as stream, opened(site.port) as slow:
        slow.sendall(b"GET /slow?s=600 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stream.readline() == b"1\n"
        site.commit("2")
        site.receipt("deploy")
        with opened(echo) as new:
            assert new.recv(2) == b"2\n"
        stream.write(b"still there\n")
        assert stream.readline() == b"still there\n"
        site.commit("3")
        third = site.inv("deploy")
        assert third.returncode == 0, third.stdout
        with contextlib.suppress(ConnectionResetError):
            assert stream.readline() == b""
    assert "from blue; open connections cut: 2" in third.stdout, third.stdout
    assert "prod1: 2 open connections of the colour that stopped were cut" in third.stdout, third.stdout
