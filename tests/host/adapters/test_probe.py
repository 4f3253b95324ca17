"""What one probe proves, and who is looked at while one waits."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from switchyard.core.app import App, Check
from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine, probe
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.store import Store
from switchyard.host.steps import containers as slots
from switchyard.host.steps import health
from tests.harness.attempts import begin_attempt
from tests.harness.release_record import RECORD


def speaks_first(link: socket.socket) -> None:
    link.sendall(b"welcome\n")


def speaks_second(link: socket.socket) -> None:
    link.recv(1)


def closes(link: socket.socket) -> None:
    """As the edge does where no service is behind it."""


@pytest.mark.parametrize("service,passes", [(speaks_first, True), (speaks_second, True), (closes, False)])
def test_a_connection_that_is_taken_and_closed_at_once_is_no_service(service, passes, monkeypatch):
    if not passes:
        monkeypatch.setattr(probe, "STAYS_OPEN", 10.0)  # a machine that is busy closes late
    assert answered(service).passed is passes


def answered(service: Callable[[socket.socket], None]) -> probe.Answer:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            with link:
                service(link)

        thread = threading.Thread(target=serve)
        thread.start()
        found = probe.held_check("127.0.0.1", server.getsockname()[1])
        thread.join()
    return found


def test_a_port_that_nobody_holds_is_no_service():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = probe.held_check("127.0.0.1", port)
    assert not found.passed and f"port {port}" in found.seen


@pytest.fixture
def containers(monkeypatch) -> Iterator[dict[str, Any]]:
    """What an engine knows of its containers, which it answers with; of all else it knows nothing."""
    known: dict[str, Any] = {}

    class Engine(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.split("?")[0].split("/")[2]
            found = [] if name == "json" else known.get(name)
            self.answer(200 if found is not None and not self.path.count("/logs") else 404, found)

        def do_POST(self) -> None:
            """Refuses, and what was to be changed has become what is known as ``then``."""
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            known[self.path.split("/")[2]] = known["then"]
            self.answer(500, "container not running")

        def answer(self, status: int, found: Any) -> None:
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def address_string(self) -> str:
            return "here"

        def log_message(self, *_: Any) -> None:
            pass

    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(engine, "SOCKET", f"{folder}/engine.sock")
        with socketserver.ThreadingUnixStreamServer(engine.SOCKET, Engine) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield known
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status,is_told", [("restarting", False), ("exited", False), ("running", True)])
def test_a_policy_that_an_ending_container_does_not_take_is_no_error_and_any_other_refusal_is(
    containers, status, is_told
):
    state = {"Status": "running", "StartedAt": "2026-01-01T00:00:00Z"}
    containers["api"] = {"State": state, "HostConfig": {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}}
    containers["then"] = {"State": {**state, "Status": status}}
    with pytest.raises(SwitchyardError, match="refused") if is_told else contextlib.nullcontext():
        slots.keep_running("api", "unless-stopped")
    assert containers["api"] is containers["then"]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_crash_loop_is_named_at_once_also_while_another_service_is_waited_for(containers, tmp_path: Path):
    store = Store(tmp_path)
    app = App("shop", checks={name: Check(closed_port()) for name in ("web", "api")}, healthy_within=60)
    store.releases.write(replace(RECORD, id="R2", app=app))
    store.prepare()
    attempt = begin_attempt(store, verb="rollback", app="shop")
    attempt.wanted.id = "R2"
    state = {"Status": "running", "Running": True, "StartedAt": "2026-01-01T00:00:00Z", "ExitCode": 0}
    found = [
        {"Id": name, "Labels": {"switchyard.release": "R2", "com.docker.compose.service": name}}
        for name in ("web", "api")
    ]
    for container in found:
        containers[container["Id"]] = {**container, "State": state, "Config": {}, "RestartCount": 0}
    ended = {**state, "Status": "restarting", "ExitCode": 3}
    threading.Timer(0.3, containers["api"].update, [{"RestartCount": 1}]).start()
    threading.Timer(0.6, containers["api"].update, [{"State": ended}]).start()
    began = time.monotonic()
    health.prove_all(attempt, "front green", [Container.decode(container) for container in found])
    assert attempt.memory.failed["front green"].startswith("api: crash loop: restarted 1 times, last exit code 3")
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "state,restarts,is_mistake",
    [
        ({"Status": "exited", "ExitCode": 0}, 0, True),
        ({"Status": "restarting", "ExitCode": 0, "Running": True}, 2, True),
        ({"Status": "exited", "ExitCode": 1}, 0, False),
        ({"Status": "restarting", "ExitCode": 137, "Running": True}, 2, False),
        ({"Status": "exited", "ExitCode": 0, "OOMKilled": True}, 0, False),
    ],
)
@pytest.mark.parametrize("release", ["R2", "R1"])
def test_a_worker_that_ends_by_itself_with_0_is_a_mistake_of_the_settings(
    containers, tmp_path: Path, state, restarts, is_mistake, release
):
    store = Store(tmp_path)
    store.prepare()
    for each in ("R1", "R2"):
        store.releases.write(replace(RECORD, id=each))
    attempt = begin_attempt(store, app="shop")
    attempt.wanted.id = "R2"
    labels = {"switchyard.release": release, "com.docker.compose.service": "worker"}
    containers["w"] = {"Id": "w", "State": {"StartedAt": "2026-01-01T00:00:00Z", **state}, "RestartCount": restarts}
    worker = Container.decode({"Id": "w", "Labels": labels})
    if release == "R1":
        containers["w"] = {**containers["w"], "State": {**containers["w"]["State"], "Running": False}}
    assert not health.prove_all(attempt, "single green", [worker])
    reason = attempt.memory.failed["single green"]
    assert ("app.kinds.worker: oneshot" in reason) is is_mistake
    assert attempt.memory.is_mistake_of_settings is (is_mistake and release == "R2")
