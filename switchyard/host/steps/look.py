"""Look at the routes: through the preview ports before the switch, through the edge and from outside after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from switchyard.core import edge, route_modes, route_names
from switchyard.core.app import App, Route
from switchyard.core.edge_clients import speaks_proxy_protocol
from switchyard.core.edge_counts import PROBE_HEADER
from switchyard.core.held_routes import HeldRoute
from switchyard.core.wire.events import Look
from switchyard.core.wire.request import Word
from switchyard.host import previews
from switchyard.host.adapters import engine, probe, protocol
from switchyard.host.attempt import Attempt
from switchyard.host.certificates import file_for
from switchyard.host.edge_configuration import reached_routes
from switchyard.host.steps.containers import containers_in

SEEN_WITHIN = 20.0
"""Seconds that the control node gets to tell what it saw at the public address."""
LOOK_WITHIN = 10.0
"""Seconds that a route gets to answer through the edge."""
SMOKE_WITHIN = 300.0
"""Seconds for the application's own smoke command."""
NO_PROXY, PROXY = b"", b"PROXY UNKNOWN\r\n"
"""What a connection begins with. The second, of the PROXY protocol, tells that no client stands behind this one."""
HTTPS, PERMANENT, LOCATION = 443, 308, "location"
LOCALHOST = "127.0.0.1"
LOOPBACK = {"": LOCALHOST, "0.0.0.0": LOCALHOST, "::": "::1"}
"""Binds to every address of this host, each with the loopback address that reaches it."""


def smoke(attempt: Attempt, colour: str) -> bool:
    """Ask every route through its preview port, then run the application's own smoke command.

    Exclusive services do not run yet: ``smoke_exclusive`` asks them, and runs the command then.
    """
    app, memory = attempt.wanted.app, attempt.memory
    with previews.opened(attempt, colour):
        reason = _smoke(attempt, colour, lambda route: route.service not in app.exclusive)
        if not reason and not app.exclusive:
            reason = _run_smoke_command(attempt, colour)
    memory.smoke, memory.reason = ("failed", reason) if reason else ("ok", memory.reason)
    return not reason


def smoke_exclusive(attempt: Attempt, colour: str) -> str:
    """Smoke the exclusive services, which just started. Return why it fails; empty where it does not."""
    app = attempt.wanted.app
    with previews.opened(attempt, colour):
        reason = _smoke(attempt, colour, lambda route: route.service in app.exclusive)
        return reason or _run_smoke_command(attempt, colour)


def _smoke(attempt: Attempt, colour: str, is_asked: Callable[[Route], bool]) -> str:
    release, app = attempt.wanted, attempt.wanted.app
    for address, route in reached_routes(attempt.store, release.id):
        if route.redirects or not is_asked(route):
            continue
        attempt.tick()
        port = attempt.store.preview_port(address, colour)
        answer = ask_route(app, route, LOCALHOST, port, release.id, release.routes)
        if not answer.passed:
            return f"smoke of {route.service}: {answer.seen}{_other_protocol(attempt, colour, route)}"
    return ""


def _run_smoke_command(attempt: Attempt, colour: str) -> str:
    """Run the application's own smoke command on the previews. Return why it fails; empty where it does not."""
    urls: dict[str, str] = {}
    for address, route in reached_routes(attempt.store, attempt.wanted.id):
        if route.redirects:
            continue
        port = attempt.store.preview_port(address, colour)
        urls[_variable(route)] = f"http://{LOCALHOST}:{port}{route.path}"
        urls |= {_variable(route, "HOST"): name} if (name := route_names.sample_name(route)) else {}
    return _run_smoke(attempt, urls)


def _run_smoke(attempt: Attempt, urls: Mapping[str, str]) -> str:
    """Run the application's own smoke command on these addresses. Return how it failed; nothing where it passes."""
    app = attempt.wanted.app
    if not app.smoke:
        return ""
    folder = attempt.store.release(attempt.wanted.id) / "files" / app.path
    code, output = attempt.commands.run(app.smoke, within=SMOKE_WITHIN, cwd=str(folder), check=False, extra=urls)
    return f"the smoke command ended with {code}:\n{output.strip()}" if code != 0 else ""


def _variable(route: Route, what: str = "URL") -> str:
    """Return the variable by which the smoke command learns a route's address, or its name."""
    return f"{what}_{route.service}_{route.port}".upper().replace("-", "_")


def _other_protocol(attempt: Attempt, colour: str, route: Route) -> str:
    """Return the setting that a route to a service needs that does not speak HTTP; nothing where it does."""
    if route.mode != "http":
        return ""
    for container in containers_in(attempt.request.app, colour):
        if container.service == route.service and (name := protocol.spoken(engine.address(container.id), route.port)):
            setting = route_modes.as_setting(attempt.wanted.routes, {route.name: route_modes.TCP})
            return (
                f"\nPort {route.port} of {route.service} speaks {name}, and not HTTP/1.1. Pass it on unread: set "
                f"mode: tcp for it in invoke.yaml:\n{setting}"
            )
    return ""


def look(attempt: Attempt, colour: str) -> bool:
    """Ask every route from this host through the edge: the release that is meant to be live must answer."""
    release, memory = attempt.wanted, attempt.memory
    began, mark = time.monotonic(), attempt.request.probe
    deadline = began + LOOK_WITHIN
    for address, route in reached_routes(attempt.store, release.id):
        trust = file_for(attempt.store, route)
        while not (answer := _ask_through(release.app, route, address, release.id, mark, release.routes, trust)).passed:
            if time.monotonic() < began + engine.BACK_WITHIN and engine.is_away():  # its containers come back with it
                deadline = time.monotonic() + LOOK_WITHIN
            if time.monotonic() > deadline or "answered by release" in answer.seen:
                memory.verdict = "wrong"
                memory.reason = f"the look through the edge at {route.service}: {answer.seen}"
                return False
            attempt.tick()
            time.sleep(0.2)
    if failure := _pass_itself(attempt):
        memory.verdict, memory.reason = "wrong", f"the look through the edge: {failure}"
        return False
    memory.verdict = "looked"
    return True


def _ask_through(
    app: App,
    route: Route,
    address: HeldRoute,
    release: str,
    mark: str,
    routes: Sequence[Route],
    trust: Path | None,
) -> probe.Answer:
    """Ask a route through the edge. Whether that takes this host for a trusted proxy, only an answer tells."""
    host = LOOPBACK.get(address.address, address.address)
    if speaks_proxy_protocol(app, address):
        answer = ask_route(app, route, host, address.listen, release, routes, mark=mark, preface=PROXY, trust=trust)
        if answer.passed:
            return answer
    return ask_route(app, route, host, address.listen, release, routes, mark=mark, trust=trust)


def _pass_itself(attempt: Attempt) -> str:
    """Let an application with TCP routes alone pass its own check through the edge: what it answers, only it knows.

    That is its smoke command, or the path of each route's check, which the look has requested. Return how the command
    failed.
    """
    app, reached = attempt.wanted.app, reached_routes(attempt.store, attempt.wanted.id)
    if attempt.request.verb != "deploy" or not _is_tcp_alone([route for _, route in reached]):
        return ""
    failure = _run_smoke(attempt, {_variable(route): _public_url(address) for address, route in reached})
    is_asked = bool(app.smoke) or all(app.path_check(route) for _, route in reached)
    attempt.memory.passes_itself = is_asked and not failure
    return failure


def _is_tcp_alone(routes: Sequence[Route]) -> bool:
    return bool(routes) and all(route.mode == "tcp" for route in routes)


def _public_url(address: Route) -> str:
    host = LOOPBACK.get(address.address, address.address)
    return f"http://{f'[{host}]' if ':' in host else host}:{address.listen}"


def await_verdict(attempt: Attempt, colour: str) -> bool:
    """Ask the control node what it sees at the public address. Without an answer the release is live, unverified."""
    memory = attempt.memory
    if attempt.request.verb != "deploy":
        memory.verdict = "ok"
        return True
    if memory.passes_itself:
        memory.verdict = "ok"
        return True
    attempt.events.emit(Look(attempt.wanted.id))
    word = attempt.await_word("seen", within=SEEN_WITHIN) or Word("seen")
    memory.verdict = word.verdict if word.verdict in ("ok", "wrong") else "unverified"
    if memory.verdict != "ok":
        memory.reason = word.why or f"the control node reported nothing within {SEEN_WITHIN:.0f} s"
    return memory.verdict != "wrong"


def ask_route(
    app: App,
    route: Route,
    host: str,
    port: int,
    release: str,
    routes: Sequence[Route] = (),
    *,
    mark: str = "",
    preface: bytes = NO_PROXY,
    trust: Path | None = None,
) -> probe.Answer:
    """Ask one of a release's ``routes``. It passes with the right status, from the release that its header names.

    A request with the ``mark`` of the attempt's probes is not counted. A TCP route has no header: there, the path of
    its check must answer, or without one a connection must stay open. ``trust``: the certificate that must answer;
    None: without TLS.
    """
    if route.mode == "tcp":
        own = app.path_check(route)
        if own is None:
            return probe.held_check(host, port, preface)
        return probe.http_check(host, replace(own, port=port), preface)
    check = route_names.page(app, route, routes)
    path, name, marked = check.path or "/", route_names.sample_name(route), {PROBE_HEADER: mark} if mark else {}
    try:
        status, headers, body = probe.get(host, port, path, preface=preface, headers=marked, name=name, trust=trust)
    except Exception as error:
        return probe.Answer(False, f"GET {path}: {error}")
    if route.redirects:
        leads = f"https://{name}{'' if route.redirects == HTTPS else f':{route.redirects}'}/"
        is_right = status == PERMANENT and headers.get(LOCATION, "").startswith(leads)
        return probe.Answer(is_right, f"GET {path}: {status} and not on to {leads}")
    if app.release_header and (answerer := headers.get(edge.HEADER.lower())) != release:
        return probe.Answer(False, f"GET {path}: {_answered_by(answerer, release, f'{status} {body}')}")
    passes = check.passes(status)
    return probe.Answer(passes, f"GET {path}: {status} {'' if passes else body}".strip())


def _answered_by(answerer: str | None, release: str, answer: str) -> str:
    """Return that another than a release answered."""
    if answerer is None:
        return f"{answer}, and not by a service of ours"
    return f"answered by release {answerer}, not {release}"
