"""The edge ends TLS: its names, its certificates, and the way there from an edge that knows neither."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time

import pytest

from tests.harness.certificates import authority
from tests.harness.library import TOP
from tests.harness.load import Http2Load, Load
from tests.harness.site import PORTS, Site

PAGE = TOP / "docs" / "tls.md"
"""The page for users, whose commands run here."""
SHOP, OTHER, WILD = "shop.example.com", "x.example.org", "*.example.org"


ECHO = r"""
        if self.headers.get("Upgrade"):
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            while line := self.rfile.readline():
                self.wfile.write(line)
            return
"""
"""Has the application answer each line of a connection that is upgraded, as websockets are."""


class Secured:
    """An application that listens with TLS, seen from a client that trusts the authority of its certificates."""

    def __init__(self, site: Site) -> None:
        self.site, self.port = site, next(PORTS)

    def ship(self, version: str, *routes: dict[str, str], **more: object) -> str:
        """Commit a release with these routes to its one service, beside the plain one."""
        entries = [{"service": "web", "port": 8000, "listen": str(self.port), "tls": True, **each} for each in routes]
        plain = {"service": "web", "port": 8000, "listen": str(self.site.port)}
        self.site.settings(routes=[plain, *entries], checks={"web": {"port": 8000, "path": "/health"}}, **more)
        return self.site.commit(version)

    def certify(self, *names: str) -> None:
        """Lay certificates of these names beside the settings, which name them."""
        with self.site.entry() as entry:
            entry["certificates"] = {name: authority().lay(self.site.checkout, name) for name in names}

    def connect(self, name: str, *protocols: str) -> ssl.SSLSocket:
        """Return a connection that asks for a name and verifies it."""
        trust = ssl.create_default_context(cadata=authority().text)
        trust.set_alpn_protocols(list(protocols or ("http/1.1",)))
        plain = socket.create_connection((self.site.host.ip, self.port), 5)
        return trust.wrap_socket(plain, server_hostname=name)

    def ask(self, name: str, host: str = "", path: str = "/") -> str:
        """Return an answer as it comes over the line."""
        with self.connect(name) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host or name}\r\nConnection: close\r\n\r\n".encode())
            return received(connection)

    def upgrade(self, name: str) -> ssl.SSLSocket:
        """Return a connection that is upgraded, so that the edge passes on what comes."""
        connection = self.connect(name)
        head = f"GET /echo HTTP/1.1\r\nHost: {name}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += connection.recv(1)
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        return connection

    def serial(self, name: str) -> str:
        """Return the number of the certificate that is shown for a name."""
        with self.connect(name) as connection:
            found = connection.getpeercert()
            assert found is not None
            return str(found["serialNumber"])

    def serial_after_restart(self, name: str) -> str:
        """Return the number of the certificate that is shown as soon as the edge answers again."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.serial(name)
            except OSError:
                assert time.monotonic() < deadline

    def loads(self, name: str) -> list[Load | Http2Load]:
        """Return loads of one name: HTTP/1.1, and HTTP/2 with GET and with POST."""
        http2 = [
            Http2Load(name, self.site.host.ip, self.port, authority().text, rate=20, body=body) for body in ("", "a b")
        ]
        address, trust = f"https://{self.site.host.ip}:{self.port}", ssl.create_default_context(cadata=authority().text)
        return [self.site.load(address, rate=60, name=name, tls=trust), *http2]


def plain_get(site: Site, name: str, path: str) -> str:
    with socket.create_connection((site.host.ip, 80), 5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return received(connection)


def received(connection: socket.socket) -> str:
    """Return what comes until the other side ends the connection."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts).decode()


def test_a_plain_edge_becomes_one_with_tls_whose_certificates_names_and_releases_change_under_load(site):
    secured = Secured(site)
    site.rewrite("        parts = urlsplit(self.path)\n", f"{ECHO}        parts = urlsplit(self.path)\n", "app.py")
    site.commit("1")
    site.receipt("deploy")
    secured.ship("2", {"host": SHOP}, {"host": WILD}, tls={"hsts": 600})
    refused = site.inv("deploy")
    assert refused.returncode == 4, refused.stdout
    assert f"{secured.port}" in refused.stdout and "inv edge.apply --host prod" in refused.stdout, refused.stdout
    assert f'hosts.prod.certificates: {{"{SHOP}": {{certificate: FILE, key: FILE}}}}' in refused.stdout, refused.stdout
    bare = site.inv("edge.apply", "--yes")
    assert bare.returncode == 4 and f"no certificate for {SHOP}" in bare.stdout, bare.stdout
    secured.certify(SHOP, WILD)
    applied = site.inv("edge.apply", "--yes")
    assert applied.returncode == 0, applied.stdout
    (seconds,) = re.findall(r"every route was interrupted for ([0-9.]+) s", applied.stdout)
    print(f"the change to TLS interrupted every route for {seconds} s")
    site.users_ask(f"https://{site.host.ip}:{secured.port}")
    second = site.receipt("deploy")["release"]
    answer = secured.ask(SHOP)
    assert answer.startswith("HTTP/1.1 200") and answer.endswith("2"), answer
    assert f"x-switchyard-release: {second}" in answer
    assert "strict-transport-security: max-age=600" in answer.lower()
    assert secured.ask(OTHER).endswith("2")
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        secured.connect("other.example.net")
    assert secured.ask(SHOP, "other.example.net").startswith("HTTP/1.1 421 ")
    with secured.connect(SHOP, "h2", "http/1.1") as connection:
        assert connection.selected_alpn_protocol() == "h2"
    moved = plain_get(site, SHOP, "/a?b=c")
    assert moved.startswith("HTTP/1.1 308") and f"location: https://{SHOP}:{secured.port}/a?b=c" in moved, moved
    edge = site.containers("edge")
    before = secured.serial(SHOP)
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(load) for name in (SHOP, OTHER) for load in secured.loads(name)]
        upgraded = stack.enter_context(secured.upgrade(SHOP))
        secured.certify(SHOP, WILD)
        renewed = site.inv("edge.certificates")
        assert renewed.returncode == 0, renewed.stdout
        assert secured.serial(SHOP) != before
        served = secured.serial(SHOP)
        assert site.inv("edge.certificates").stdout.count("nothing to do") == 1
        secured.certify(SHOP, WILD, "new.example.net")
        secured.ship("3", {"host": SHOP}, {"host": WILD}, {"host": "new.example.net"}, tls={"hsts": 600})
        site.receipt("deploy")
        assert secured.ask("new.example.net").endswith("3") and secured.serial(SHOP) != served
        upgraded.sendall(b"still here\n")
        assert upgraded.recv(100) == b"still here\n", "it is older than two certificates and a release"
        site.receipt("rollback")
        assert secured.ask(SHOP).endswith("2") and "421" in secured.ask("new.example.net")
        summaries = [load.stop() for load in loads]
    assert [summary.failed for summary in summaries] == [0] * 6, [summary.errors for summary in summaries]
    assert all(summary.sent > 100 for summary in summaries), [summary.sent for summary in summaries]
    print(f"requests over TLS: {[summary.sent for summary in summaries]}")
    assert site.containers("edge") == edge
    served = secured.serial(SHOP)
    site.docker("restart", *edge)
    assert secured.serial_after_restart(SHOP) == served, "a restarted edge shows the renewed certificate"
    status = site.receipt("status")
    names = [each["name"] for each in status["hosts"][0]["certificates"]]
    assert names == sorted([WILD, SHOP, "new.example.net"]), status
    assert "PRIVATE KEY" not in site.read("journal.jsonl")
    lines = site.run("sh", "-c", f"grep -rl 'PRIVATE KEY' {site.root} || true").split()
    assert all(line.startswith(f"{site.root}/edge/cfg/certs/") for line in lines), lines
    modes = site.run("sh", "-c", f"stat -c %a {site.root}/edge/cfg/certs/*.pem").split()
    assert set(modes) == {"600"}
    secured.ship("4", {"host": SHOP}, {"host": WILD}, tls={"hsts": 600})
    for command in re.findall(r"^inv (.+) --host prod$", PAGE.read_text(), re.M):
        done = site.inv(*command.split())
        assert done.returncode == 0, f"{command}: {done.stdout}"
