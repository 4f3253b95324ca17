"""Restart containers of the live colour."""

from __future__ import annotations

from switchyard.core import names
from switchyard.core.errors import (
    BadInput,
)
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import Container
from switchyard.host.attempt import Attempt
from switchyard.host.slot_state import of_colour
from switchyard.host.steps import health

REST_WITHIN = 10.0
"""Seconds that a container which is taken out gets for what it still answers."""


def chosen_containers(attempt: Attempt, colour: str) -> list[Container]:
    """The containers of the service that is asked for, else of all; raises ``BadInput`` where there are none."""
    containers = engine.containers(f"{names.APP}={attempt.request['app']}", f"{names.COLOUR}={colour}")
    held = of_colour(containers, colour)
    service = attempt.request.get("service")
    chosen = [c for c in held if service in (None, c.service)]
    if not chosen:
        known = sorted({c.service for c in held})
        raise BadInput(f"no service of the live colour is called {service}; known: {', '.join(known)}")
    return chosen


def restart_each(attempt: Attempt, colour: str | None) -> None:
    """One container after the other, each healthy before the next."""
    assert colour is not None
    chosen = chosen_containers(attempt, colour)
    for container in chosen:
        name = container.service
        attempt.store.lease.guard(attempt.number)
        attempt.emit("progress", text=f"restarting {name}")
        up = {route: attempt.proxy.servers_up(f"{route.name}_{colour}") for route in attempt.routes}
        try:
            _rest(attempt, container, chosen)
            process.run(["docker", "restart", container.id], tick=attempt.linger)
            health.prove_again(attempt, container)
        finally:
            attempt.proxy.resume(colour)
        for route, count in up.items():
            health.await_up(attempt, route, colour, count, attempt.app.healthy_within)


def _rest(attempt: Attempt, container: Container, beside: list[Container]) -> None:
    """Where others of the same service run, the edge sends nothing new to this one while it is away."""
    service = container.service
    if sum(c.service == service for c in beside) > 1:
        attempt.proxy.rest(engine.address(container.id), within=REST_WITHIN)
