"""Servers, certificates and assertions for the tests of the configuration's checks."""

from __future__ import annotations

import contextlib
import importlib.util
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.harness.library import TOP
from tests.harness.predeploy_application import Application

SPEC = importlib.util.spec_from_file_location("kalshi_server", TOP / "examples/betting/tests/kalshi_server.py")
assert SPEC is not None and SPEC.loader is not None
kalshi_server = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(kalshi_server)

PEM, PUBLIC = kalshi_server.new_key()
KEY_ID = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
KALSHI = {
    "kind": "kalshi",
    "url_from": "KALSHI_URL",
    "key_id_from": "KALSHI_KEY_ID",
    "key_from": "KALSHI_PRIVATE_KEY",
}
"""The setting of a credential for Kalshi."""


def refused(application: Application, check: str) -> list[str]:
    """Return the rules of a check that must fail, and assert that nothing shows a value of the environment."""
    run = application.predeploy(check)
    assert (run.code, run.check(check)["outcome"]) == (1, "fail"), run.text
    assert "Traceback" not in run.text
    for value in application.environ.values():
        assert value not in run.text + str(run.json)
    return run.rules(check)


def outcome(application: Application, check: str) -> tuple[str, str]:
    """Return the outcome of a check with its reason, and assert the exit code that belongs to it."""
    run = application.predeploy(check)
    assert run.code == {"pass": 0, "fail": 1, "unknown": 3}.get(run.check(check)["outcome"], 3)
    assert "Traceback" not in run.text
    return run.check(check)["outcome"], run.check(check)["reason"]


def with_kalshi(application: Application, **changed: str) -> Any:
    """Start a server that knows one key, and set the environment that fits it, changed."""
    clock = float(changed.pop("clock", 0))
    server = application.closing.enter_context(kalshi_server.serve({KEY_ID: PUBLIC}, clock=lambda: time.time() + clock))
    application.settings(credentials={"kalshi": KALSHI})
    application.allow(send={"KALSHI_URL": ["KALSHI_KEY_ID", "KALSHI_PRIVATE_KEY"]})
    fitting = {"KALSHI_URL": server.url, "KALSHI_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY": PEM.decode()}
    application.environ.update({**fitting, **changed})
    return server


class Api(BaseHTTPRequestHandler):
    """Accepts one token, and answers with the status in the path."""

    def do_GET(self) -> None:
        status = int(self.path.strip("/"))
        if status == 200 and self.headers["Authorization"] != "Bearer right-token":
            status = 403
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


@contextlib.contextmanager
def served(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Run ``Api`` on a free port of loopback, with TLS if a context is passed; yield the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(*, days: float, begins: float = -1.0, name: str = "here.invalid") -> tuple[bytes, bytes]:
    """Create a self-signed certificate that is valid for ``days``, and its key; both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=min(begins, days - 1)))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return signed.public_bytes(serialization.Encoding.PEM), pem_of(key)


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Encode a private key in PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
