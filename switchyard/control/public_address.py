"""The users' address of a host: where its first route is reached, one look at it, and the probes during a deploy."""

from __future__ import annotations

import http.client
import ipaddress
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import paramiko

from switchyard.control.channel import Line
from switchyard.core.app import App, Check, Route
from switchyard.core.edge import HEADER
from switchyard.settings.model import Host, Machine

PROBES_PER_SECOND = 12
PROBE_WITHIN = 5.0
LOOK_WITHIN = 10.0
EVERY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""What stands for all of a machine's addresses, with the one of them that the machine itself uses."""


@dataclass(frozen=True)
class Address:
    """Where the first HTTP route is reached. ``forwarded``: through the SSH connection."""

    host: str
    port: int
    path: str
    secure: bool = False
    forwarded: bool = False
    status: int | None = None
    """The one status that passes; without it, any below 400."""

    @property
    def url(self) -> str:
        """As a person types it."""
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}{self.path}"

    def passes(self, status: int) -> bool:
        """Whether a page with this status is right."""
        return Check(self.port, self.path, self.status).passes(status)


def public(host: Host, machine: Machine, routes: Sequence[Route], app: App) -> Address | None:
    """The ``url`` of the host entry, else the machine's address and the published port."""
    route = _first(routes)
    if route is None or not host.setting.url:
        return own(machine, routes, app)
    parts = urlsplit(host.setting.url)
    secure = parts.scheme == "https"
    port, page = parts.port or (443 if secure else 80), app.page(route)
    path = parts.path or page.path or "/"
    return Address(parts.hostname or "", port, path, secure, status=page.status if path == page.path else None)


def own(machine: Machine, routes: Sequence[Route], app: App) -> Address | None:
    """A machine's address and the published port."""
    route = _first(routes)
    if route is None:
        return None
    page = app.page(route)
    found = Address(machine.address, route.listen, page.path or "/", status=page.status)
    if route.address not in EVERY and ipaddress.ip_address(route.address).is_loopback:
        return replace(found, host=route.address, forwarded=True)
    return found


def looked_at(host: Host, machine: Machine, routes: Sequence[Route], app: App) -> Address | None:
    """Where the operator's machine looks: the users' address; of several machines each on its own published port,
    through its SSH connection, since any of them may answer at a ``url`` that they share.
    """
    found = own(machine, routes, app)
    if found is None or not host.setting.url or len(host.setting.machines) == 1:
        return public(host, machine, routes, app)
    route = _first(routes)
    assert route is not None
    return replace(found, host=EVERY.get(route.address, route.address), forwarded=True)


def _first(routes: Sequence[Route]) -> Route | None:
    return next((route for route in routes if route.mode == "http"), None)


def url_of(host: Host, machine: Machine, routes: Sequence[Route]) -> str | None:
    """The ``url`` of the host entry, else where its first HTTP route is published; None where there is none."""
    found = public(host, machine, routes, App(""))
    return host.setting.url or (found.url.removesuffix("/") if found else None)


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
    except (OSError, EOFError, http.client.HTTPException, paramiko.SSHException) as error:
        return "unverified", f"{address.url} could not be reached from here: {str(error) or type(error).__name__}"
    if app.release_header and answered is None:
        return "unverified", f"{address.url} answered {status}, but not through the edge of this application"
    if app.release_header and answered != release:
        return "wrong", f"{address.url} is answered by release {answered}, not {release}"
    if not address.passes(status):
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
        self._counting = threading.Lock()
        self._probes: list[threading.Thread] = []

    def run(self) -> None:
        """Open loop: one probe at each time, whatever became of the one before."""
        if self.address is None or self.address.forwarded:
            return
        due = time.monotonic()
        while not self._stop_asked.is_set():
            if self.measuring:
                self._probes.append(threading.Thread(target=self._probe, args=(self.address,), daemon=True))
                self._probes[-1].start()
            due = max(due + 1 / PROBES_PER_SECOND, time.monotonic() - 1)  # what a sleep left out is not made up for
            self._stop_asked.wait(max(0.0, due - time.monotonic()))

    def _probe(self, address: Address) -> None:
        why = "no end"
        try:
            status, _, _ = get(address, None, PROBE_WITHIN)
            why = "" if address.passes(status) else f"{status}"
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
        finally:
            with self._counting:
                self.sent += 1
                if why:
                    self.failed += 1
                    self.first_failure = self.first_failure or why

    def stop(self) -> dict[str, int | None]:
        """How many probes were sent and how many failed, the last one's answer awaited; None where nothing was sent."""
        self._stop_asked.set()
        if self.is_alive():
            self.join()
        for probe in self._probes:
            probe.join()
        if self.sent == 0:
            return {"sent": None, "failed": None}
        return {"sent": self.sent, "failed": self.failed}
