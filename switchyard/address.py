"""The users' address of a host: where its first route is reached, one look at it, and the probes during a deploy."""

from __future__ import annotations

import http.client
import ipaddress
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import paramiko

from switchyard.core.app import App, Route
from switchyard.core.edge import HEADER
from switchyard.line import Line
from switchyard.settings import Host, Machine

PROBES_PER_SECOND = 12
PROBE_WITHIN = 5.0
LOOK_WITHIN = 10.0


@dataclass(frozen=True)
class Address:
    """Where users reach the first HTTP route. ``forwarded``: only through the SSH connection."""

    host: str
    port: int
    path: str
    secure: bool = False
    forwarded: bool = False

    @property
    def url(self) -> str:
        """As a person types it."""
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}{self.path}"


def public(host: Host, machine: Machine, routes: Sequence[Route], app: App) -> Address | None:
    """The ``url`` of the host entry, else the machine's address and the published port."""
    route = next((route for route in routes if route.mode == "http"), None)
    if route is None:
        return None
    check = app.checks.get(route.service)
    path = check.path if check and check.path and check.port == route.port else "/"
    if host.setting.url:
        parts = urlsplit(host.setting.url)
        secure = parts.scheme == "https"
        return Address(parts.hostname or "", parts.port or (443 if secure else 80), parts.path or path, secure)
    if route.address not in ("", "0.0.0.0", "::") and ipaddress.ip_address(route.address).is_loopback:
        return Address(route.address, route.listen, path, forwarded=True)
    return Address(machine.address, route.listen, path)


def get(address: Address, line: Line | None, within: float) -> tuple[int, str | None, str]:
    """One GET: status, the release that answered, the start of the body."""
    kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
    connection = kind(address.host, address.port, timeout=within)
    try:
        if address.forwarded and line is not None:
            transport = line.connection.transport
            assert transport is not None
            channel = transport.open_channel(
                "direct-tcpip", (address.host, address.port), ("127.0.0.1", 0), timeout=within
            )
            channel.settimeout(within)
            connection.sock = channel
        connection.request("GET", address.path, headers={"Connection": "close", "User-Agent": "switchyard"})
        answer = connection.getresponse()
        return answer.status, answer.getheader(HEADER), answer.read(4096).decode(errors="replace")
    finally:
        connection.close()


def look(address: Address | None, line: Line, app: App, release: str) -> tuple[str, str]:
    """The operator's verdict: ok, wrong, or unverified, with the reason."""
    if address is None:
        return "unverified", "the application has no HTTP route to look at"
    check = next((check for check in app.checks.values() if check.path and address.path == check.path), None)
    try:
        status, answered, body = get(address, line, LOOK_WITHIN)
    except (OSError, http.client.HTTPException, paramiko.SSHException) as error:
        return "unverified", f"{address.url} could not be reached from here: {error}"
    if app.release_header and answered is None:
        return "unverified", f"{address.url} answered {status}, but not through the edge of this application"
    if app.release_header and answered != release:
        return "wrong", f"{address.url} is answered by release {answered}, not {release}"
    if status >= 400:
        return "wrong", f"{address.url} answered {status}: {body[:200]}"
    if check is not None and check.body is not None and check.body not in body:
        return "wrong", f"{address.url} answered without {check.body!r}"
    return "ok", f"{address.url} answered {status} from {release}"


class Prober(threading.Thread):
    """Asks the users' address 12 times a second until stopped; what was not measured stays None."""

    def __init__(self, address: Address | None, *, measuring: bool) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.measuring = measuring
        """Whether failures count already: where nothing is live, only from the switch on."""
        self.sent = 0
        self.failed = 0
        self.first_failure = ""
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Open loop: one probe at each time, whatever became of the one before."""
        if self.address is None or self.address.forwarded:
            return
        due = time.monotonic()
        while not self._stop_asked.is_set():
            if self.measuring:
                threading.Thread(target=self._probe, args=(self.address,), daemon=True).start()
            due += 1 / PROBES_PER_SECOND
            self._stop_asked.wait(max(0.0, due - time.monotonic()))

    def _probe(self, address: Address) -> None:
        try:
            status, _, _ = get(address, None, PROBE_WITHIN)
            why = f"{status}" if status >= 400 else ""
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
        self.sent += 1
        if why:
            self.failed += 1
            self.first_failure = self.first_failure or why

    def stop(self) -> dict[str, int | None]:
        """How many probes were sent and how many failed; None where nothing was measured."""
        self._stop_asked.set()
        if self.sent == 0:
            return {"sent": None, "failed": None}
        return {"sent": self.sent, "failed": self.failed}
