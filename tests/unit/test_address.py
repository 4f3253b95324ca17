"""The users' address: where it is, what one look at it proves, and what probes during a deploy count."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from switchyard.control.public_address import Address, Prober, look, looked_at, public, url_of
from switchyard.core.app import App, Check, Route
from switchyard.settings import load as settings
from switchyard.settings.model import Host

NOBODY: Any = None
"""The line of a look that goes straight to its address."""


def host(folder: Path, url: str = "", more: str = "") -> Host:
    entry = f"hosts:\n  prod:\n    machines: [{{name: prod1, address: 203.0.113.5}}{more}]\n"
    (folder / "invoke.yaml").write_text(entry + (f"    url: {url}\n" if url else ""))
    return settings.host(folder, "prod")


@pytest.mark.parametrize(
    "url,route,expected",
    [
        ("https://shop.example", Route("web", 80, 8080), Address("shop.example", 443, "/health", secure=True)),
        ("http://shop.example:81/in", Route("web", 80, 8080), Address("shop.example", 81, "/in")),
        ("", Route("web", 80, 8080), Address("203.0.113.5", 8080, "/health")),
        ("", Route("web", 80, 8080, "127.0.0.1"), Address("127.0.0.1", 8080, "/health", forwarded=True)),
        ("", Route("web", 80, 8080, mode="tcp"), None),
    ],
    ids=["url", "url with port and path", "published", "loopback only: a forwarded channel", "no HTTP route"],
)
def test_the_address_is_the_url_of_the_host_else_its_address_and_the_published_port(tmp_path, url, route, expected):
    entry = host(tmp_path, url)
    app = App("shop", checks={"web": Check(80, "/health")})
    assert public(entry, entry.setting.machines[0], [route], app) == expected


SEVERAL = ", {name: prod2, address: 203.0.113.6}"


@pytest.mark.parametrize(
    "url,more,bound,expected",
    [
        ("https://shop.example", "", "", Address("shop.example", 443, "/health", secure=True)),
        ("https://shop.example", SEVERAL, "", Address("127.0.0.1", 8080, "/health", forwarded=True)),
        ("https://shop.example", SEVERAL, "10.0.0.7", Address("10.0.0.7", 8080, "/health", forwarded=True)),
        ("", SEVERAL, "", Address("203.0.113.5", 8080, "/health")),
    ],
    ids=["one machine", "several behind one url", "several, on one address", "several without a url"],
)
def test_each_of_several_machines_is_looked_at_where_no_other_can_answer(tmp_path, url, more, bound, expected):
    entry = host(tmp_path, url, more)
    app = App("shop", checks={"web": Check(80, "/health")})
    assert looked_at(entry, entry.setting.machines[0], [Route("web", 80, 8080, bound)], app) == expected


@pytest.mark.parametrize(
    "url,routes,expected",
    [
        ("https://shop.example/in", [], "https://shop.example/in"),
        ("", [Route("db", 5432, 5432, mode="tcp"), Route("web", 80, 8080)], "http://203.0.113.5:8080"),
        ("", [], None),
    ],
)
def test_status_tells_the_url_of_the_first_route(tmp_path, url, routes, expected):
    entry = host(tmp_path, url)
    assert url_of(entry, entry.setting.machines[0], routes) == expected


@contextlib.contextmanager
def serving(status: int = 200, body: str = "hello", release: str | None = "R2") -> Iterator[Address]:
    """A server on this machine that answers always the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if release is not None:
                self.send_header("X-Switchyard-Release", release)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Address("127.0.0.1", server.server_port, "/health")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "answer,verdict,why",
    [
        ({}, "ok", "answered 200 from R2"),
        ({"release": "R1"}, "wrong", "is answered by release R1, not R2"),
        ({"status": 500, "body": "broken inside"}, "wrong", "answered 500: broken inside"),
        ({"body": "goodbye"}, "wrong", "answered without 'hello'"),
        ({"release": None}, "unverified", "not through the edge of this application"),
    ],
)
def test_a_look_is_ok_only_for_a_right_answer_by_this_release(answer, verdict, why):
    app = App("shop", checks={"web": Check(80, "/health", body="hello")})
    with serving(**answer) as address:
        found = look(address, NOBODY, app, "R2")
    assert found[0] == verdict and why in found[1], found


@pytest.mark.parametrize("status,verdict", [(401, "ok"), (200, "wrong")])
def test_a_look_and_the_probes_take_the_status_that_the_check_asks_for(tmp_path, status, verdict):
    entry, route = host(tmp_path), Route("web", 80, 8080)
    app = App("shop", checks={"web": Check(80, "/health", status=401)})
    wanted = public(entry, entry.setting.machines[0], [route], app)
    assert wanted is not None
    with serving(status=status) as at:
        address = replace(wanted, host=at.host, port=at.port)
        assert look(address, NOBODY, app, "R2")[0] == verdict
        found = run_until(Prober(address, measuring=True), 3)
    assert (found["failed"] == 0) is (verdict == "ok")


def closed() -> Address:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", trial.getsockname()[1], "/")


def test_what_cannot_be_reached_is_unverified_and_never_ok_or_wrong():
    verdict, why = look(closed(), NOBODY, App("shop"), "R2")
    assert verdict == "unverified" and "could not be reached from here" in why
    assert look(None, NOBODY, App("shop"), "R2") == ("unverified", "the application has no HTTP route to look at")


def run_until(prober: Prober, sent: int) -> dict[str, int | None]:
    prober.start()
    deadline = time.monotonic() + 30
    while prober.sent < sent and time.monotonic() < deadline:
        time.sleep(0.01)
    found = prober.stop()
    prober.join()
    return found


def test_probes_count_what_was_sent_and_what_failed():
    with serving() as address:
        found = run_until(Prober(address, measuring=True), 5)
    assert found["sent"] is not None and found["sent"] >= 5 and found["failed"] == 0
    failing = Prober(closed(), measuring=True)
    found = run_until(failing, 5)
    assert found["failed"] == found["sent"] and "refused" in failing.first_failure


def test_a_probe_that_still_waits_at_the_end_is_waited_for_and_counts_as_failed(monkeypatch):
    monkeypatch.setattr("switchyard.control.public_address.PROBE_WITHIN", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        prober = Prober(Address("127.0.0.1", silent.getsockname()[1], "/"), measuring=True)
        prober.start()
        with silent.accept()[0]:
            found = prober.stop()
    assert found["sent"] is not None and found["sent"] >= 1 and found["failed"] == found["sent"]
    assert "timed out" in prober.first_failure


@pytest.mark.parametrize(
    "address,measuring",
    [(None, True), (Address("127.0.0.1", 1, "/", forwarded=True), True), (Address("127.0.0.1", 1, "/"), False)],
    ids=["no address", "only through the connection", "nothing live yet"],
)
def test_what_was_not_measured_is_not_zero(address, measuring):
    prober = Prober(address, measuring=measuring)
    prober.start()
    assert prober.stop() == {"sent": None, "failed": None}
    prober.join()
