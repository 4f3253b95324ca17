"""A stand-in for Docker's engine on a socket: it answers what a test tells it, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

import pytest

from switchyard.core.wire.message import Json
from switchyard.host.adapters import engine

State = dict[str, Json]


class Asked(NamedTuple):
    """One request: its method, its path with the query, and its body."""

    method: str
    path: str
    body: Json


class FakeEngine:
    """Answers by method and path (without the query); of all else it knows nothing."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Json | bytes] = {("GET", "/containers/json"): [], ("GET", "/networks"): []}
        """Bytes are sent as they are, anything else as JSON."""
        self.refusals: dict[tuple[str, str], str] = {}
        self.requests: list[Asked] = []

    def know(self, path: str, answer: Json | bytes, method: str = "GET") -> None:
        self.answers[method, path] = answer

    def asked(self, method: str) -> list[str]:
        """Return the paths that were asked with a method."""
        return [request.path for request in self.requests if request.method == method]


@contextlib.contextmanager
def serving(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Let the engine's adapter talk to the stand-in."""

    class Handler(BaseHTTPRequestHandler):
        def handle_request(self) -> None:
            size = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            fake.requests.append(Asked(self.command, self.path, body))
            key = (self.command, self.path.partition("?")[0])
            if key in fake.refusals:
                self.respond(500, fake.refusals[key])
            elif key in fake.answers:
                self.respond(200, fake.answers[key])
            else:
                self.respond(404, {"message": "no such thing"})

        do_GET = do_POST = do_DELETE = handle_request

        def respond(self, status: int, answer: Json | bytes) -> None:
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def address_string(self) -> str:
            return "here"

        def log_message(self, *_: object) -> None:
            pass

    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(engine, "SOCKET", f"{folder}/engine.sock")
        with socketserver.ThreadingUnixStreamServer(engine.SOCKET, Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield fake
            server.shutdown()
            thread.join()


def listed(name: str, *, app: str | None = "shop", **fields: str) -> State:
    """Return a container as the engine lists it. ``fields``: state, image and the labels of Switchyard or Compose."""
    keys = {"service": "com.docker.compose.service", "project": "com.docker.compose.project"}
    labels: dict[str, Json] = {} if app is None else {"switchyard.app": app}
    for field, value in fields.items():
        if field not in ("state", "image"):
            labels[keys.get(field, f"switchyard.{field}")] = value
    image = fields.get("image", "sha256:" + "1" * 64)
    return {
        "Id": name,
        "Names": [f"/{name}"],
        "Image": image,
        "ImageID": image,
        "State": fields.get("state", "running"),
        "Labels": labels,
    }
