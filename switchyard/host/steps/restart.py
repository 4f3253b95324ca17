"""Restart containers of the live colour."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.core import edge
from switchyard.core.errors import BadInput
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.attempt import Attempt
from switchyard.host.reach import require_own
from switchyard.host.steps import health
from switchyard.host.steps.containers import containers_in

ANSWERED_WITHIN = 10.0
"""Seconds that a container which is taken out of the edge gets to answer its last requests."""


def chosen_containers(request: Request, colour: str) -> list[Container]:
    """Return the containers of the service that the request names, else of all. Raise ``BadInput`` without any."""
    containers = containers_in(request.app, colour)
    chosen = [each for each in containers if request.service in (None, each.service)]
    if not chosen:
        services = sorted({each.service for each in containers})
        raise BadInput(f"no service of the live colour is called {request.service}; known: {', '.join(services)}")
    return chosen


def restart_each(attempt: Attempt, colour: str) -> None:
    """Restart one container after the other, each healthy before the next restarts."""
    app, proxy = attempt.wanted.app, attempt.proxy
    containers = chosen_containers(attempt.request, colour)
    for container in containers:
        attempt.lease.guard()
        attempt.events.progress(f"restarting {container.service}")
        up = {route: proxy.servers_up(edge.backend_name(route, colour)) for route in attempt.wanted.routes}
        try:
            document = attempt.store.releases.document(container.release, colour)
            require_own(attempt.store, attempt.request.app, document, [container.service])
            _take_out(proxy, container, containers)
            process.run(["docker", "restart", container.id], tick=attempt.lease.linger)
            health.prove_again(attempt, container)
        finally:
            proxy.resume(colour)
        for route, count in up.items():
            health.await_up(proxy, route, colour, count, within=app.healthy_within, tick=attempt.tick)


def _take_out(proxy: Proxy, container: Container, containers: Sequence[Container]) -> None:
    """Keep new requests away from a container, where others of its service answer them."""
    if sum(each.service == container.service for each in containers) > 1:
        proxy.rest(engine.address(container.id), within=ANSWERED_WITHIN)
