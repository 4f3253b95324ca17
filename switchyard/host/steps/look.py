"""Look at the routes: through the preview ports before the switch, through the edge and from outside after it."""

from __future__ import annotations

import time
from collections.abc import Callable

from switchyard.core import edge, route_modes
from switchyard.core.app import App, Route
from switchyard.core.wire.events import Look
from switchyard.core.wire.request import Word
from switchyard.host import previews
from switchyard.host.adapters import engine, probe, protocol
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import reached_routes
from switchyard.host.steps.containers import containers_in

SEEN_WITHIN = 20.0
"""Seconds that the control node gets to tell what it saw at the public address."""
LOOK_WITHIN = 10.0
"""Seconds that a route gets to answer through the edge."""
SMOKE_WITHIN = 300.0
"""Seconds for the application's own smoke command."""
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
        if not is_asked(route):
            continue
        attempt.tick()
        answer = ask_route(app, route, LOCALHOST, attempt.store.preview_port(address, colour), release.id)
        if not answer.passed:
            return f"smoke of {route.service}: {answer.seen}{_other_protocol(attempt, colour, route)}"
    return ""


def _run_smoke_command(attempt: Attempt, colour: str) -> str:
    """Run the application's own smoke command. Return why it fails; empty where it does not, or there is none."""
    release, app = attempt.wanted, attempt.wanted.app
    if not app.smoke:
        return ""
    urls = {}
    for address, route in reached_routes(attempt.store, release.id):
        port = attempt.store.preview_port(address, colour)
        urls[f"URL_{route.service}_{route.port}".upper().replace("-", "_")] = f"http://{LOCALHOST}:{port}"
    folder = attempt.store.release(release.id) / "files" / app.path
    code, output = attempt.commands.run(app.smoke, within=SMOKE_WITHIN, cwd=str(folder), check=False, extra=urls)
    return f"the smoke command ended with {code}:\n{output.strip()}" if code else ""


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
    began = time.monotonic()
    deadline = began + LOOK_WITHIN
    for address, route in reached_routes(attempt.store, release.id):
        host = LOOPBACK.get(address.address, address.address)
        while not (answer := ask_route(release.app, route, host, address.listen, release.id)).passed:
            if time.monotonic() < began + engine.BACK_WITHIN and engine.is_away():  # its containers come back with it
                deadline = time.monotonic() + LOOK_WITHIN
            if time.monotonic() > deadline or "answered by release" in answer.seen:
                memory.verdict = "wrong"
                memory.reason = f"the look through the edge at {route.service}: {answer.seen}"
                return False
            attempt.tick()
            time.sleep(0.2)
    memory.verdict = "looked"
    return True


def await_verdict(attempt: Attempt, colour: str) -> bool:
    """Ask the control node what it sees at the public address. Without an answer the release is live, unverified."""
    memory = attempt.memory
    if attempt.request.verb != "deploy":
        memory.verdict = "ok"
        return True
    attempt.events.emit(Look(attempt.wanted.id))
    word = attempt.await_word("seen", within=SEEN_WITHIN) or Word("seen")
    memory.verdict = word.verdict if word.verdict in ("ok", "wrong") else "unverified"
    if memory.verdict != "ok":
        memory.reason = word.why or f"the control node reported nothing within {SEEN_WITHIN:.0f} s"
    return memory.verdict != "wrong"


def ask_route(app: App, route: Route, host: str, port: int, release: str) -> probe.Answer:
    """Ask one route. It passes with the right status, from the release that its header names."""
    if route.mode == "tcp":
        return probe.held_check(host, port)
    check = app.page(route)
    path = check.path or "/"
    try:
        status, headers, body = probe.get(host, port, path)
    except Exception as error:
        return probe.Answer(False, f"GET {path}: {error}")
    answerer = headers.get(edge.HEADER.lower())
    if app.release_header and answerer is None:
        return probe.Answer(False, f"GET {path}: {status} {body}, and not by a service of ours")
    if app.release_header and answerer != release:
        return probe.Answer(False, f"GET {path}: answered by release {answerer}, not {release}")
    passes = check.passes(status)
    return probe.Answer(passes, f"GET {path}: {status} {'' if passes else body}".strip())
