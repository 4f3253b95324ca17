"""What clients may say and do at a real edge: claims, slow and large requests, PROXY protocol, limits per source."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e.test_through import SERVER

COUNTED = SERVER.replace("import base64", "import threading, base64").replace(
    'self.answer({"headers": dict(self.headers)})',
    'self.answer({"headers": self.headers.items(), "threads": threading.active_count()})',
)
"""A server that also tells how many threads it has, and every header as it came."""
CLAIMED = "203.0.113.66"
CLAIMS = {
    "X-Forwarded-For": CLAIMED,
    "X-Real-IP": CLAIMED,
    "Forwarded": f"for={CLAIMED};proto=https",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Port": "66",
    "X_Forwarded_For": CLAIMED,
    "X-Forwarded_Proto": "https",
    "X-Forwarded-Ssl": "on",
}
SLOW = 200
"""Bodies that arrive slowly at a time."""
BODY_WITHIN = 2


@contextlib.contextmanager
def connect(site, preface: bytes = b"") -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(site.host.ip, site.port, timeout=30)
    connection.connect()
    connection.sock.sendall(preface)
    try:
        yield connection
    finally:
        connection.close()


def seen(site, headers: dict[str, str] | None = None, preface: bytes = b"") -> tuple[dict[str, list[str]], str]:
    """Return the headers that the application sees, in lower case, with every value, and the client's own address."""
    with connect(site, preface) as connection:
        connection.request("GET", "/", headers=headers or {})
        address = connection.sock.getsockname()[0]
        answer = json.loads(connection.getresponse().read())
    found: dict[str, list[str]] = {}
    for name, value in answer["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found, address


def status_of(site, head: bytes, body: bytes = b"") -> tuple[int, str]:
    """Send the start of a request. Return the status and the body of the answer."""
    with socket.create_connection((site.host.ip, site.port), timeout=30) as client:
        client.sendall(head + b"\r\n\r\n" + body)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status, answer.read().decode()


def deploy(site, version: str, *, limits: dict[str, int], **entry: object) -> None:
    site.settings(checks={"web": {"port": 8000, "path": "/"}}, limits=limits)
    with site.entry() as settings:
        settings.update(entry)
    site.commit(version)
    site.receipt("deploy")


@pytest.fixture
def server(site):
    (site.app / "app.py").write_text(COUNTED)
    compose = site.app / "compose.yaml"
    compose.write_text(compose.read_text().split("    healthcheck:")[0])
    return site


def test_no_client_says_who_it_is_holds_a_thread_or_sends_too_much_and_honest_ones_notice_nothing(server):
    deploy(server, "1", limits={"body_within": BODY_WITHIN, "header_bytes": 20000, "body_bytes": 1 << 20})
    headers, address = seen(server, CLAIMS)
    told = {name: values for name, values in headers.items() if "forward" in name or "real" in name}
    assert told == {
        "x-forwarded-for": [address],
        "x-real-ip": [address],
        "forwarded": [f"for={address};proto=http"],
        "x-forwarded-proto": ["http"],
        "x-forwarded-host": [f"{server.host.ip}:{server.port}"],
        "x-forwarded-port": [str(server.port)],
    }
    require_slow_bodies_wait_at_the_edge(server)
    post = b"POST / HTTP/1.1\r\nHost: x\r\n"
    assert status_of(server, post + b"Content-Length: 1048577") == (413, "The body of the request is too large.")
    large = b"".join(b"\r\nX-%d: %s" % (number, b"b" * 4000) for number in range(6))
    assert status_of(server, b"GET / HTTP/1.1\r\nHost: x" + large) == (431, "The headers of the request are too large.")
    require_slow_upload_is_a_stream(server)
    require_no_header_of_its_own(server)
    require_hardened(server)


def require_hardened(site) -> None:
    """Require the walls of the container that runs, and that its socket stays the SSH user's."""
    (edge,) = site.containers("edge")
    inside = site.docker(
        "exec", edge, "sh", "-c", "cat /proc/1/status; touch /etc/edge/cfg/x /etc/edge/maps/x /x; true"
    )
    facts = {line.partition(":")[0]: line.split()[1:] for line in inside.splitlines() if ":" in line}
    assert {facts[name][0] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert facts["Uid"][0] == site.run("id", "-u", "deploy") != "0" and facts["NoNewPrivs"] == ["1"]
    form = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.PidsLimit}} {{.HostConfig.Memory}} {{.Config.Image}}"
    read_only, pids, memory, image = site.docker("inspect", edge, "--format", form).split()
    assert (read_only, pids, memory) == ("true", "512", str(3 << 30)) and image.startswith("sha256:")
    changed = site.docker("diff", edge).splitlines()
    assert set(changed) <= {"C /etc", "A /etc/edge", *(f"A /etc/edge/{name}" for name in ("cfg", "maps", "run"))}
    assert site.run("ls", f"{site.root}/edge/cfg", f"{site.root}/edge/maps").split().count("x") == 0
    assert site.run("stat", "-c", "%U %a", f"{site.root}/edge/run/edge.sock") == "deploy 600"
    status = site.inv("status")
    assert status.returncode == 0 and "not hardened" not in status.stdout, status.stdout


def require_slow_bodies_wait_at_the_edge(site) -> None:
    """Begin bodies that do not go on: no thread of the application sees one, and each gets 408."""
    kinds = (b"Content-Length: 100\r\n\r\na", b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    with contextlib.ExitStack() as stack:
        clients = []
        for number in range(SLOW):
            client = stack.enter_context(socket.create_connection((site.host.ip, site.port), timeout=30))
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + kinds[number % 2])
            clients.append(client)
        with connect(site) as connection:
            connection.request("GET", "/")
            assert json.loads(connection.getresponse().read())["threads"] < SLOW / 4
        for client in clients:
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert (answer.status, answer.read().decode()) == (408, "The request did not arrive in time.")


def require_slow_upload_is_a_stream(site) -> None:
    """Upload for longer than a body has to arrive, and find that the application reads it meanwhile."""
    block, blocks = b"u" * 20_000, BODY_WITHIN * 4
    with connect(site) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(len(block) * blocks))
        connection.endheaders()
        began = time.monotonic()
        for number in range(blocks):
            connection.send(block)
            while time.monotonic() < began + (number + 1) * 0.5:
                time.sleep(0.05)
        assert connection.getresponse().status == 200
        assert time.monotonic() - began > BODY_WITHIN * 1.5


def require_no_header_of_its_own(site) -> None:
    """Compare an answer through the edge with the application's own."""
    get = "import urllib.request; print(list(urllib.request.urlopen('http://127.0.0.1:8000/').headers))"
    (container,) = site.containers("blue") or site.containers("green")
    own = json.loads(site.docker("exec", container, "python3", "-c", get).replace("'", '"'))
    with connect(site) as connection:
        connection.request("GET", "/")
        through = [name for name, _ in connection.getresponse().getheaders()]
    assert sorted(map(str.lower, through)) == sorted([*map(str.lower, own), "x-switchyard-release"])


def test_a_trusted_proxy_tells_of_its_client_and_a_source_has_limits_once_addresses_are_real(server):
    address = own_address(server)
    deploy(server, "1", limits={"source_requests": 3}, trusted_proxies=[address], real_addresses=True)
    headers, _ = seen(server, CLAIMS)
    assert headers["x-forwarded-for"] == [CLAIMED, address]
    assert headers["x-forwarded-proto"] == ["https"] and headers["x-forwarded-host"] == ["evil.example.com"]
    assert headers["forwarded"][0] == CLAIMS["Forwarded"] and "x_forwarded_for" not in headers
    assert "forwarded" not in seen(server)[0], "its own view of the scheme would hide what the proxy says"
    require_a_source_has_a_limit(server, 3)
    gateways = gateways_of(server)
    deploy(server, "2", limits={}, trusted_proxies=gateways, proxy_protocol=[server.port], real_addresses=False)
    spoken = server.run("python3", "-c", SPEAK, str(server.port), f"PROXY TCP4 {CLAIMED} 192.0.2.1 4000 443\r\n")
    headers = dict(json.loads(spoken.splitlines()[-1])["headers"])
    told = [headers[name] for name in ("x-forwarded-for", "x-real-ip", "x-forwarded-port")]
    assert told == [CLAIMED, CLAIMED, "443"], "the host is the trusted proxy"
    assert server.run("python3", "-c", SPEAK, str(server.port), "") == "", "at this address, it must speak it"
    assert seen(server)[0]["x-forwarded-for"] == [address], "others need not"
    assert status_of(server, b"PROXY TCP4 6.6.6.6 192.0.2.1 4000 443\r\nGET / HTTP/1.1\r\nHost: x")[0] == 400


SPEAK = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) as client:
    request = "GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"
    client.sendall(sys.argv[2].encode().decode("unicode_escape").encode() + request.encode())
    with client.makefile("rb") as stream:
        try:
            print(stream.read().decode())
        except ConnectionResetError:
            pass
"""


def own_address(site) -> str:
    """Return the address by which the host sees this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((site.host.ip, 9))
        return str(probe.getsockname()[0])


def gateways_of(site) -> list[str]:
    """Return the host's own addresses in the networks of the colours, by which it arrives at the edge."""
    networks = site.docker("network", "ls", "--quiet", "--filter", f"label=switchyard.app={site.name}").split()
    return site.docker("network", "inspect", *networks, "--format", "{{(index .IPAM.Config 0).Gateway}}").split()


def require_a_source_has_a_limit(site, most: int) -> None:
    """Hold as many requests as one source may, and try one more. Afterwards, another one is answered."""
    with contextlib.ExitStack() as stack:
        for _ in range(most):
            client = stack.enter_context(socket.create_connection((site.host.ip, site.port), timeout=30))
            client.sendall(b"GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
            client.sendall(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 101")
        assert status_of(site, b"GET / HTTP/1.1\r\nHost: x") == (429, "Too many requests at a time.")
    deadline = time.monotonic() + 10
    while status_of(site, b"GET / HTTP/1.1\r\nHost: x")[0] != 200:
        assert time.monotonic() < deadline
