"""A web server on this machine that always answers the same, and an address where nobody listens."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from switchyard.control.prober import Prober
from switchyard.control.public_address import Address
from switchyard.core.wire.receipt import Probes


@contextlib.contextmanager
def serving(
    status: int | Callable[[], int] = 200,
    body: str = "hello",
    release: str | None = "R2",
    tls: ssl.SSLContext | None = None,
) -> Iterator[Address]:
    """Serve on loopback. ``status`` may change from request to request. ``tls``: how to speak it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status() if callable(status) else status)
            if release is not None:
                self.send_header("X-Switchyard-Release", release)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Address("127.0.0.1", server.server_port, "/health", tls is not None)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def closed_address() -> Address:
    """Return an address where nobody listens."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", trial.getsockname()[1], "/")


def run_until(prober: Prober, sent: int) -> Probes:
    """Run a prober until it has sent so many probes."""
    prober.start()
    deadline = time.monotonic() + 30
    while prober.sent < sent and time.monotonic() < deadline:
        time.sleep(0.01)
    probes = prober.stop()
    prober.join()
    return probes
