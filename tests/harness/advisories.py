"""An advisory source on loopback: pypi.org behind a proxy, and the API of osv."""

from __future__ import annotations

import datetime
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "pypi.org"


def advisory(number: str, **more: Any) -> dict[str, Any]:
    """Return an advisory in the form that both sources use."""
    base = {"id": number, "aliases": [f"CVE-{number}"], "details": "Reads files of others.", "fixed_in": ["9.9"]}
    return {**base, **more}


class Advisories(ThreadingHTTPServer):
    """An advisory source that knows every package except ``unknown``."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.known: dict[str, list[dict[str, Any]]] = {}
        """The advisories of each package."""
        self.unknown: set[str] = set()
        self.certificate = certificate(folder)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment that leads requests for pypi.org here."""
        return {"HTTPS_PROXY": self.address, "NO_PROXY": "", "REQUESTS_CA_BUNDLE": str(self.certificate)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Advisories

    def do_CONNECT(self) -> None:
        if self.path != f"{HOST}:443":
            self.send_error(403)
            return
        self.send_response(200)
        self.end_headers()
        with self.server.tls.wrap_socket(self.connection, server_side=True) as inside:
            Handler(inside, self.client_address, self.server)
        self.close_connection = True

    def do_GET(self) -> None:
        _, name, version = self.path.strip("/").split("/")[:3]
        if name in self.server.unknown:
            self.send_error(404)
        else:
            vulnerabilities = self.server.known.get(name, [])
            self.answer({"info": {"name": name, "version": version}, "vulnerabilities": vulnerabilities})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = request["package"]["name"]
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": []}]
        advisories = [{**each, "affected": affected} for each in self.server.known.get(name, [])]
        self.answer({"vulns": advisories} if advisories else {})

    def answer(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep requests out of the tests' output."""


def certificate(folder: Path) -> Path:
    """Write a key and a self-signed certificate for pypi.org into one file, and return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "pypi.pem"
    path.write_bytes(private + signed.public_bytes(pem))
    return path
