"""Health, by our own probes: three passes in a row, no restart, never by the engine's flag alone."""

from __future__ import annotations

import calendar
import contextlib
import http.client
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from switchyard.core.app import Check
from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.adapters.engine import ContainerDetails

PASSES = 3
"""In a row, of a container that has just started; of one that has stood by, the engine has seen the ones before."""
EVERY = 0.1
PROBE_WITHIN = 5.0
HELD_FOR = 0.3
"""Seconds after which a connection that is still open was taken by a service, one that speaks second."""
ENDS_WITHIN = 2.0
"""Seconds for which the next end of a container in a crash loop is waited for, to tell its exit code."""
TOLD = 2000
"""Characters of a failed service's last lines that are told."""
STEADY = 10.0
"""Seconds without a restart that stand in for a check where a service declares none."""


class Unhealthy(SwitchyardError):
    """A service that did not become healthy, with what it said last."""


@dataclass(frozen=True)
class Answer:
    """One probe: whether it passed, and what was seen."""

    passed: bool
    seen: str


def get(host: str, port: int, path: str, *, within: float = PROBE_WITHIN) -> tuple[int, dict[str, str], str]:
    """One GET: status, headers in lower case, the start of the body."""
    connection = http.client.HTTPConnection(host, port, timeout=within)
    try:
        connection.request("GET", path, headers={"Connection": "close", "User-Agent": "switchyard"})
        answer = connection.getresponse()
        body = answer.read(65536).decode(errors="replace")
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, body
    finally:
        connection.close()


def http_check(host: str, check: Check) -> Answer:
    """The application's own check against one container."""
    if check.path is None:
        return port_check(host, check.port)
    try:
        status, _, body = get(host, check.port, check.path)
    except (OSError, http.client.HTTPException) as error:
        return Answer(False, f"GET :{check.port}{check.path}: {error}")
    right = check.passes(status)
    if right and check.body is not None and check.body not in body:
        return Answer(False, f"GET :{check.port}{check.path}: {status} without {check.body!r}: {body[:200]}")
    return Answer(right, f"GET :{check.port}{check.path}: {status} {'' if right else body[:200]}".strip())


def port_check(host: str, port: int) -> Answer:
    """Whether a port takes a connection."""
    try:
        socket.create_connection((host, port), PROBE_WITHIN).close()
    except OSError as error:
        return Answer(False, f"port {port}: {error}")
    return Answer(True, f"port {port} answers")


def held_check(host: str, port: int) -> Answer:
    """Whether a connection through the edge reaches a service: where none does, the edge takes it and closes it."""
    try:
        with socket.create_connection((host, port), PROBE_WITHIN) as link:
            link.settimeout(HELD_FOR)
            with contextlib.suppress(TimeoutError):
                if not link.recv(1):
                    return Answer(False, f"port {port}: a connection is closed at once, without a word")
    except OSError as error:
        return Answer(False, f"port {port}: {error}")
    return Answer(True, f"port {port} holds a connection")


def once(details: ContainerDetails, check: Check | None, port: int | None) -> Answer:
    """One probe of one container by the rule that applies to it."""
    if check is not None:
        return http_check(details.address, check)
    command = details.health_command
    if command is not None:
        code, output = engine.execute(details.id, command)
        return Answer(code == 0, f"its health check ended with {code}: {output[-300:]}")
    if port is not None:
        return port_check(details.address, port)
    return Answer(True, "running")


def is_weak(details: ContainerDetails, check: Check | None) -> bool:
    """Whether a service has no check at all, so that only its port and time can speak for it."""
    return check is None and details.health_command is None


def _once_ended(details: ContainerDetails) -> ContainerDetails:
    """A container of a crash loop once it has ended again: while it runs, nothing tells how it ended before."""
    deadline = time.monotonic() + ENDS_WITHIN
    while details.status == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
        details = engine.inspect(details.id) or details
    return details


def describe_failure(service: str, details: ContainerDetails | None, seen: str) -> str:
    """Why a service failed, in words: exit code, memory, last answer, last lines."""
    if details is None:
        return f"{service}: its container is gone"
    if details.restart_count:
        details = _once_ended(details)
    facts = []
    if details.is_oom_killed:
        facts.append("killed for lack of memory (OOM)")
    if details.restart_count:
        ended = "it runs again" if details.status == "running" else f"last exit code {details.exit_code}"
        facts.append(f"crash loop: restarted {details.restart_count} times, {ended}")
    elif not details.is_running:
        facts.append(f"exited with code {details.exit_code}")
    if seen:
        facts.append(f"last answer: {seen}")
    tail = engine.logs(details.id, 15)[-TOLD:]
    return f"{service}: " + "; ".join(facts) + (f"\n--- last lines of {service}\n{tail}" if tail else "")


def require_running(service: str, container: str, base_restarts: int, seen: str = "") -> ContainerDetails:
    """A container that runs, and was restarted no more often than that; raises ``Unhealthy``, told with ``seen``."""
    details = engine.inspect(container)
    if details is None or not details.is_running or details.restart_count > base_restarts:
        raise Unhealthy(describe_failure(service, details, seen))
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
) -> bool:
    """Until one container is healthy; whether only weakly. Raises ``Unhealthy`` on a crash or when time is up."""
    deadline = time.monotonic() + within
    passes, seen = 0, ""
    while True:
        tick()
        details = require_running(service, container, base_restarts, seen)
        answer = once(details, check, port)
        seen = answer.seen
        passes = passes + 1 if answer.passed else 0
        weak = is_weak(details, check)
        steady = _age(details) >= STEADY
        if passes >= (1 if steady and _engine_says_healthy(details) else PASSES) and (steady or not weak):
            return weak
        if time.monotonic() > deadline:
            raise Unhealthy(describe_failure(service, details, f"not healthy within {within:.0f} s; {seen}"))
        time.sleep(EVERY if not answer.passed or not weak else 0.5)


def _engine_says_healthy(details: ContainerDetails) -> bool:
    return details.health == "healthy"


def _age(details: ContainerDetails) -> float:
    """Seconds since the container started, by the engine's clock, which is this host's."""
    started = details.started_at[:19]
    return time.time() - _utc(started)


def _utc(text: str) -> float:
    return float(calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S")))
