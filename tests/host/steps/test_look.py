"""Looks: a route passes by its status and by the release that answers, and a verdict is never guessed."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from switchyard.core import edge
from switchyard.core.app import App, Check, Route
from switchyard.core.edge_counts import PROBE_HEADER
from switchyard.core.held_routes import held_for
from switchyard.core.wire.request import Word
from switchyard.host.adapters import engine
from switchyard.host.adapters.files import write_json
from switchyard.host.steps import look as module
from switchyard.host.steps.look import ask_route, await_verdict
from tests.harness.answering_service import answers, listening
from tests.harness.attempts import begin_attempt, say
from tests.harness.certificates import Authority, authority, serves
from tests.harness.release_record import RECORD
from tests.harness.web_server import serving


class Page(BaseHTTPRequestHandler):
    """Answers every path with its status, from release R1; ``/foreign`` with no release."""

    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/down" else 200)
        if self.path != "/foreign":
            self.send_header(edge.HEADER, "R1")
        self.end_headers()
        self.wfile.write(b"a page")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "path,release,passes,seen",
    [
        ("/", "R1", True, "GET /: 200"),
        ("/down", "R1", False, "GET /down: 503 a page"),
        ("/foreign", "R1", False, "and not by a service of ours"),
        ("/", "R2", False, "answered by release R1, not R2"),
    ],
)
def test_a_route_passes_by_its_status_and_its_release(port, path, release, passes, seen):
    app = App("shop", checks={"web": Check(80, path)})
    answer = ask_route(app, Route("web", 80, 8080), "127.0.0.1", port, release)
    assert answer.passed is passes and seen in answer.seen


def test_a_smoke_that_meets_another_protocol_names_the_setting(new_store, monkeypatch):
    """The service greets like SSH; its preview, which speaks HTTP to it, gets no answer."""
    with listening(answers(b"SSH-2.0-server\r\n")) as port:
        route = Route("git", port, 2200, "")
        new_store.releases.write(replace(RECORD, routes=(route, Route("web", 80, 8080, "127.0.0.1"))))
        write_json(new_store.edge / "previews.json", {"2200_blue": port})
        attempt = begin_attempt(new_store, app="shop")
        attempt.wanted.id = "R1"
        monkeypatch.setattr(module, "containers_in", lambda *_: [SimpleNamespace(id="c1", service="git")])
        monkeypatch.setattr(engine, "address", lambda _: "127.0.0.1")
        assert module.smoke(attempt, "blue") is False
    assert f"Port {port} of git speaks SSH, and not HTTP/1.1." in attempt.memory.reason
    assert attempt.memory.reason.endswith(
        f"set mode: tcp for it in invoke.yaml:\n  app:\n    routes:\n"
        f"      - {{service: git, port: {port}, listen: 2200, mode: tcp}}\n"
        '      - {service: web, port: 80, listen: "127.0.0.1:8080", mode: http}'
    )


def test_without_the_header_only_the_status_counts(port):
    app = App("shop", checks={"web": Check(80, "/foreign")}, release_header=False)
    assert ask_route(app, Route("web", 80, 8080), "127.0.0.1", port, "R2").passed


@pytest.mark.parametrize(
    "word,verdict,goes_on",
    [
        (Word("seen", verdict="ok"), "ok", True),
        (Word("seen", verdict="wrong", why="503"), "wrong", False),
        (Word("seen", verdict="unverified", why="no address"), "unverified", True),
        (None, "unverified", True),
    ],
)
def test_only_what_the_control_node_saw_well_is_ok(holder, monkeypatch, word, verdict, goes_on):
    monkeypatch.setattr(module, "SEEN_WITHIN", 0.0)
    if word is not None:
        say(holder, word)
    assert await_verdict(holder, "") is goes_on
    assert holder.memory.verdict == verdict
    assert bool(holder.memory.reason) is (verdict != "ok")


def test_a_rollback_asks_nobody(new_store):
    attempt = begin_attempt(new_store, verb="rollback")
    assert await_verdict(attempt, "") and attempt.memory.verdict == "ok"
    assert not (attempt.folder / "events.jsonl").exists()


@pytest.fixture
def tcp_alone(new_store, port):
    """Return a function that begins the attempt of a release with one TCP route, at which a page answers."""

    def begin(verb: str = "deploy", **settings: object):
        route = Route("web", port, port, "127.0.0.1", "tcp")
        app = App("shop", **settings)
        new_store.releases.write(replace(RECORD, app=app, routes=(route,)))
        write_json(new_store.edge / "routes.json", [each.encode() for each in held_for((route,), 1)])
        (new_store.release("R1") / "files").mkdir(parents=True, exist_ok=True)
        attempt = begin_attempt(new_store, verb=verb, app="shop")
        attempt.wanted.id = "R1"
        return attempt

    return begin


def web_check(port: int, path: str | None) -> dict[str, Check]:
    return {"web": Check(port, path)}


def test_an_application_with_tcp_alone_is_good_by_the_path_of_its_check_through_the_edge(tcp_alone, port):
    attempt = tcp_alone(checks=web_check(port, "/"))
    assert module.look(attempt, "blue") and await_verdict(attempt, "blue")
    assert attempt.memory.verdict == "ok"
    assert not (attempt.folder / "events.jsonl").exists(), "the control node has nothing to look at"


def test_it_is_good_by_its_smoke_command_which_gets_the_public_address(tcp_alone, port, tmp_path):
    seen = tmp_path / "seen"
    attempt = tcp_alone(smoke=("sh", "-c", f'printf %s "$URL_WEB_{port}" > {seen}'))
    assert module.look(attempt, "blue") and await_verdict(attempt, "blue")
    assert attempt.memory.verdict == "ok" and seen.read_text() == f"http://127.0.0.1:{port}"


def test_a_connection_alone_is_no_proof(tcp_alone, port, monkeypatch):
    monkeypatch.setattr(module, "SEEN_WITHIN", 0.0)
    for checks in ({}, web_check(port, None)):
        attempt = tcp_alone(checks=checks)
        assert module.look(attempt, "blue") and await_verdict(attempt, "blue")
        assert attempt.memory.verdict == "unverified"


@pytest.mark.parametrize("how", ["path", "smoke"])
def test_a_release_that_fails_its_own_check_through_the_edge_is_wrong(tcp_alone, port, monkeypatch, how):
    monkeypatch.setattr(module, "LOOK_WITHIN", 0.0)
    attempt = tcp_alone(checks=web_check(port, "/down")) if how == "path" else tcp_alone(smoke=("false",))
    assert module.look(attempt, "blue") is False
    assert attempt.memory.verdict == "wrong" and "through the edge" in attempt.memory.reason


def test_a_rollback_runs_no_smoke_command(tcp_alone):
    assert module.look(tcp_alone("rollback", smoke=("false",)), "blue")


def test_a_probe_carries_the_mark_of_its_attempt(port, monkeypatch):
    marks = []
    monkeypatch.setattr(Page, "do_GET", lambda page: (marks.append(page.headers[PROBE_HEADER]), page.send_error(503)))
    for mark in ("", "5ecret"):
        ask_route(App("shop"), Route("web", 80, 8080), "127.0.0.1", port, "R1", mark=mark)
    assert marks == [None, "5ecret"]


def test_a_look_over_tls_takes_the_certificate_of_the_name_and_no_other(tmp_path):
    route = Route("web", 80, 443, host="shop.example", tls=True)
    tls = serves(tmp_path, "shop.example", authority())
    own, foreign = tmp_path / "own.pem", tmp_path / "foreign.pem"
    own.write_text(authority().text)
    foreign.write_text(Authority().text)
    with serving(tls=tls) as at:
        ask = functools.partial(ask_route, App("shop"), route, at.host, at.port, "R2", (route,))
        assert ask(trust=own).passed and ask(trust=tmp_path / "served.pem").passed
        assert "CERTIFICATE_VERIFY_FAILED" in ask(trust=foreign).seen and not ask(trust=foreign).passed
        assert not ask(trust=tmp_path / "absent.pem").passed
        other = ask_route(App("shop"), replace(route, host="b.example"), at.host, at.port, "R2", trust=own)
        assert not other.passed and "CERTIFICATE_VERIFY_FAILED" in other.seen


@pytest.mark.parametrize(
    ("status", "location", "passes"),
    [
        (308, "https://shop.example/", True),
        (308, "https://x.example/", False),
        (200, "https://shop.example/", False),
    ],
)
def test_a_look_at_port_80_wants_the_way_to_tls(status, location, passes):
    class Way(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Way) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        route = Route("web", 80, 80, host="shop.example", redirects=443)
        assert ask_route(App("shop"), route, "127.0.0.1", server.server_port, "R2").passed is passes
        thread.join()
