"""Health by our own probes: three passes in a row and no restart, never the engine's flag alone."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from switchyard.core.app import Check
from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import ContainerDetails

if TYPE_CHECKING:
    import ssl

PASSES = 3
"""Passes in a row that prove a container that has just started. Of one that stood by, the engine saw those before."""
EVERY = 0.1
"""Seconds between two probes."""
WEAK_EVERY = 0.5
"""Seconds between two probes of a service without a check, which has to run for ``STEADY`` anyway."""
PROBE_WITHIN = 5.0
BODY_MOST = 65536
"""Bytes of an answer's body that are read."""
STAYS_OPEN = 0.3
"""Seconds after which a connection that is still open reached a service, one that waits for its client to speak."""
ENDS_WITHIN = 2.0
"""Seconds to wait for the next end of a container in a crash loop, which tells its exit code."""
LINES_MOST = 15
"""How much of a failed service's last output an error shows."""
STEADY = 10.0
"""Seconds without a restart that stand in for a check where a service declares none."""


Withheld: TypeAlias = Callable[[], str]
"""Tells why a service's output must not be told; an empty text where it may be."""


def _nothing() -> str:
    return ""


class Unhealthy(SwitchyardError):
    """A service that did not become healthy, with its last output."""


class EndedByItself(Unhealthy):
    """A service that did its work and ended with 0, as a oneshot does."""


@dataclass(frozen=True)
class Answer:
    """The result of one probe: whether it passed, and what it saw."""

    passed: bool
    seen: str


def get(
    host: str,
    port: int,
    path: str,
    *,
    within: float = PROBE_WITHIN,
    preface: bytes = b"",
    headers: Mapping[str, str] | None = None,
    name: str = "",
    trust: Path | None = None,
) -> tuple[int, dict[str, str], str]:
    """Send one GET after a preface, for a ``name`` if it is set, else for the host.

    ``trust`` has the certificate that must answer over TLS; None: without TLS. Return the status, the headers with
    names in lower case, and the start of the body.
    """
    connection = http.client.HTTPConnection(host, port, timeout=within)
    try:
        connection.connect()
        connection.sock.sendall(preface)
        if trust is not None:
            connection.sock = _trusting(trust).wrap_socket(connection.sock, server_hostname=name)
        sent = {
            "Connection": "close",
            "User-Agent": "switchyard",
            **({"Host": name} if name else {}),
            **(headers or {}),
        }
        connection.request("GET", path, headers=sent)
        answer = connection.getresponse()
        body = answer.read(BODY_MOST).decode(errors="replace")
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, body
    finally:
        connection.close()


def _trusting(file: Path) -> ssl.SSLContext:
    """Return what verifies a name by a certificate of this host, whoever issued it: private authorities are common."""
    import ssl  # takes 9 ms to load, and only a route with TLS needs it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(file))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def http_check(host: str, check: Check, preface: bytes = b"") -> Answer:
    """Run the application's own check against one container, or through the edge."""
    if check.path is None:
        return port_check(host, check.port)
    try:
        status, _, body = get(host, check.port, check.path, preface=preface)
    except (OSError, http.client.HTTPException) as error:
        return Answer(False, f"GET :{check.port}{check.path}: {error}")
    passes = check.passes(status)
    if passes and check.body is not None and check.body not in body:
        return Answer(False, f"GET :{check.port}{check.path}: {status} without {check.body!r}: {body}")
    return Answer(passes, f"GET :{check.port}{check.path}: {status} {'' if passes else body}".strip())


def port_check(host: str, port: int) -> Answer:
    """Check that a port accepts a connection."""
    try:
        socket.create_connection((host, port), PROBE_WITHIN).close()
    except OSError as error:
        return Answer(False, f"port {port}: {error}")
    return Answer(True, f"port {port} answers")


def held_check(host: str, port: int, preface: bytes = b"") -> Answer:
    """Check that a connection through the edge reaches a service. Without one, the edge accepts and closes it."""
    try:
        with socket.create_connection((host, port), PROBE_WITHIN) as connection:
            connection.sendall(preface)
            connection.settimeout(STAYS_OPEN)
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1):
                    return Answer(False, f"port {port}: the connection is closed at once, without a byte")
    except OSError as error:
        return Answer(False, f"port {port}: {error}")
    return Answer(True, f"port {port} keeps a connection open")


def once(details: ContainerDetails, check: Check | None, port: int | None) -> Answer:
    """Probe a container once, by the rule that applies to it: our check, its declared one, its port, or none."""
    if check is not None:
        return http_check(details.address, check)
    if details.health_command is not None:
        code, output = engine.execute(details.id, details.health_command)
        return Answer(code == 0, f"its health check ended with {code}: {output}")
    if port is not None:
        return port_check(details.address, port)
    return Answer(True, "running")


def is_weak(details: ContainerDetails, check: Check | None) -> bool:
    """Return whether a service has no check at all, so that only its port and time can speak for it."""
    return check is None and details.health_command is None


def describe_failure(service: str, details: ContainerDetails | None, seen: str, withheld: str = "") -> str:
    """Say why a service failed: exit code, lack of memory, last answer, last output; or why both are ``withheld``."""
    if details is None:
        return f"{service}: its container is gone"
    reasons = []
    if details.is_oom_killed:
        reasons.append("killed for lack of memory (OOM)")
    if details.restart_count:
        end = "it runs again" if details.status == "running" else f"last exit code {details.exit_code}"
        reasons.append(f"crash loop: restarted {details.restart_count} times, {end}")
    elif not details.is_running:
        reasons.append(f"exited with code {details.exit_code}")
    if seen and not withheld:
        reasons.append(f"last answer: {seen}")
    tail = withheld or engine.logs(details.id, LINES_MOST)
    return f"{service}: " + "; ".join(reasons) + (f"\n--- last lines of {service}\n{tail}" if tail else "")


def require_running(
    service: str, container: str, base_restarts: int, seen: str = "", *, withheld: Withheld = _nothing
) -> ContainerDetails:
    """Return a container that runs and was restarted no more than ``base_restarts`` times.

    Raise ``Unhealthy`` for any other, with ``seen`` as its last answer, and its output unless that is ``withheld``.
    """
    details = engine.inspect(container)
    if details is None or not details.is_running or details.restart_count > base_restarts:
        details = details and _settled(details)
        text = describe_failure(service, details, seen, withheld())
        if details is None or details.status == "running" or details.exit_code or details.is_oom_killed:
            raise Unhealthy(text)
        raise EndedByItself(
            f"{text}\n{service} ended by itself with 0: a service that does its work and ends is a oneshot. Set "
            f"app.kinds.{service}: oneshot"
        )
    return details


def prove(
    service: str,
    container: str,
    check: Check | None,
    port: int | None,
    *,
    within: float,
    tick: Callable[[], None],
    base_restarts: int = 0,
    withheld: Withheld = _nothing,
) -> bool:
    """Wait until a container is healthy. Return whether only time and its port speak for it.

    Raise ``Unhealthy`` as soon as it crashes, or when ``within`` seconds are over. One that has run for longer than
    that gets ``STEADY`` seconds. ``withheld`` tells why what it prints and answers must not be told.
    """
    within = _patience(container, within)
    deadline = time.monotonic() + within
    passes, seen = 0, ""
    while True:
        tick()
        details = require_running(service, container, base_restarts, seen, withheld=withheld)
        answer = once(details, check, port)
        seen = answer.seen
        passes = passes + 1 if answer.passed else 0
        weak = is_weak(details, check)
        is_steady = _age(details) >= STEADY
        needed = 1 if is_steady and details.health == "healthy" else PASSES
        if passes >= needed and (is_steady or not weak):
            return weak
        if time.monotonic() > deadline:
            seen = f"not healthy within {within:.0f} s; {seen}"
            raise Unhealthy(describe_failure(service, _settled(details), seen, withheld()))
        time.sleep(WEAK_EVERY if answer.passed and weak and not is_steady else EVERY)


def _patience(container: str, within: float) -> float:
    """Return the seconds that a container gets to become healthy, where one that just starts gets ``within``."""
    details = engine.inspect(container)
    has_had_its_time = details is not None and details.is_running and _age(details) > within
    return min(within, STEADY) if has_had_its_time else within


def _settled(details: ContainerDetails) -> ContainerDetails:
    return _await_end(details) if details.restart_count else details


def _await_end(details: ContainerDetails) -> ContainerDetails:
    """Return a container of a crash loop once it has ended again: while it runs, nothing tells how it ended before."""
    deadline = time.monotonic() + ENDS_WITHIN
    while details.status == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
        details = engine.inspect(details.id) or details
    return details


def _age(details: ContainerDetails) -> float:
    """Return the seconds since the container started, by the engine's clock, which is this host's."""
    return time.time() - details.started
