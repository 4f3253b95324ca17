"""A stand-in for Kalshi's trade API that verifies signatures as strictly as the real one, and needs no network.

    private, public = new_key()
    with serve({"key-id": public}) as kalshi:
        ...  # kalshi.url is the address of the API, kalshi.answered lists its answers: (method, path, status)

It refuses requests in Kalshi's own words: 401 with ``error.code`` (and ``error.details``).
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ROOT = "/trade-api/v2"
WINDOW = 10.0
"""Seconds by which the time of a request may differ from the server's, in both directions."""
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)

PUBLIC = {f"{ROOT}/exchange/status": {"exchange_active": True, "trading_active": True}}
SIGNED = {
    f"{ROOT}/portfolio/balance": {"balance": 123_456, "portfolio_value": 0},
    f"{ROOT}/portfolio/positions": {"market_positions": [], "event_positions": [], "cursor": ""},
}


class Refused(Exception):
    """Why a request is not authenticated: the code and, where Kalshi gives them, the details."""


class Server(ThreadingHTTPServer):
    """A server with the public keys of accounts and a list of its answers."""

    daemon_threads = True

    def __init__(self, keys: Mapping[str, rsa.RSAPublicKey], clock: Callable[[], float]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys, self.clock = keys, clock
        self.url = f"http://127.0.0.1:{self.server_port}{ROOT}"
        self.answered: list[tuple[str, str, int]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        try:
            if path not in PUBLIC:
                self.authenticate(path)
        except Refused as refused:
            code, *details = refused.args
            self.answer(401, {"error": {"code": code, "message": code, **({"details": details[0]} if details else {})}})
        else:
            body = {**PUBLIC, **SIGNED}.get(path)
            self.answer(404 if body is None else 200, body or {"error": {"code": "not_found", "message": "not found"}})

    do_POST = do_PUT = do_DELETE = do_GET

    def authenticate(self, path: str) -> None:
        """Verify the time, then the key, then a signature over exactly time, method and path."""
        key, timestamp, signature = (self.header(name) for name in ("key", "timestamp", "signature"))
        if not re.fullmatch(r"[0-9]{13}", timestamp) or abs(int(timestamp) / 1000 - self.server.clock()) > WINDOW:
            raise Refused("header_timestamp_expired")
        if key not in self.server.keys:
            raise Refused("authentication_error", "NOT_FOUND")
        try:
            proof = base64.b64decode(signature, validate=True)
            self.server.keys[key].verify(proof, f"{timestamp}{self.command}{path}".encode(), PSS, hashes.SHA256())
        except (ValueError, InvalidSignature):
            raise Refused("authentication_error", "INCORRECT_API_KEY_SIGNATURE") from None

    def header(self, name: str) -> str:
        """Return a header that the request must have exactly once."""
        values = self.headers.get_all(f"KALSHI-ACCESS-{name}") or []
        if len(values) != 1 or not values[0]:
            raise Refused(f"{name}_is_missing_from_headers")
        return str(values[0])

    def answer(self, status: int, value: object) -> None:
        self.server.answered.append((self.command, self.path, status))
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the Date header, by the same clock as the window."""
        return email.utils.formatdate(self.server.clock() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:
        """Write no log: ``Server.answered`` keeps what matters."""


@contextlib.contextmanager
def serve(keys: Mapping[str, rsa.RSAPublicKey], clock: Callable[[], float] = time.time) -> Iterator[Server]:
    """Run a server on a free port of loopback that knows keys by their ids; ``clock`` is its own, in seconds."""
    server = Server(keys, clock)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def new_key() -> tuple[bytes, rsa.RSAPublicKey]:
    """Create the keys of an account: the private key in PEM, as Kalshi issues it, and the public one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return pem, key.public_key()
