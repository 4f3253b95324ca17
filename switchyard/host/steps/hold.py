"""Let requests to exclusive services wait at the edge, and let them through."""

from __future__ import annotations

import time

from switchyard.core import commands, edge, edge_hold
from switchyard.core.wire.events import Hold, LetThrough
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import reached_routes
from switchyard.host.steps.containers import containers_in, stop

ANSWERED_WITHIN = 10.0
"""Seconds that a request gets which reached an exclusive service before the hold."""
GONE_ON_WITHIN = 3.0
"""Seconds in which all that waited goes on."""


def hold(attempt: Attempt, colour: str) -> None:
    """Let requests to exclusive services wait. From here on nothing cancels the attempt.

    Workers of the colour stop before that, so that nobody waits for what they finish. The edge ends the hold by itself
    once both releases had their time to start, so that nothing waits for a program that died.
    """
    attempt.lease.has_switched = True
    attempt.lease.renew()
    containers = containers_in(attempt.request.app, colour)
    if any(each.is_exclusive for each in containers):
        workers = [each for each in containers if each.is_singleton and not each.is_exclusive]
        stop(attempt, colour, workers)
    app = attempt.wanted.app
    attempt.commands.show(commands.hold())
    attempt.proxy.fill(edge_hold.MAP, edge_hold.hold_map(int(time.time()) + app.hold + 2 * app.healthy_within))
    attempt.memory.held_since = time.monotonic()
    services = sorted({each.service for each in containers if each.is_exclusive})
    attempt.events.progress(f"requests to {', '.join(services) or 'exclusive services'} wait")
    _await_answers(attempt, colour, services)


def _await_answers(attempt: Attempt, colour: str, services: list[str]) -> None:
    """Wait for the answers to requests that these services of a colour have got already."""
    release = attempt.site().slot(colour).release
    if release is None:
        return
    routes = [route for _, route in reached_routes(attempt.store, release) if route.service in services]
    backends = {f"{how}{edge.backend_name(route, colour)}" for route in routes for how in ("", "unchecked_")}
    within = min(ANSWERED_WITHIN, attempt.wanted.app.hold / 2)
    deadline = time.monotonic() + within
    while time.monotonic() < deadline and attempt.proxy.answers(backends, within=within):
        attempt.tick()
        time.sleep(0.05)


def let_through(attempt: Attempt, colour: str = "") -> None:
    """Let what waits go on, and tell how long it waited."""
    attempt.commands.show(commands.release())
    attempt.proxy.fill(edge_hold.MAP, "")
    since, attempt.memory.held_since = attempt.memory.held_since, None
    seconds = None if since is None else round(time.monotonic() - since, 3)
    deadline = time.monotonic() + GONE_ON_WITHIN
    while (waited := attempt.proxy.waited()).waiting and time.monotonic() < deadline:
        time.sleep(0.05)
    attempt.events.emit(LetThrough(Hold(seconds, waited.longest / 1000, waited.refused)))
