"""Proof that containers are healthy, by the rules of their own release."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from functools import partial

from switchyard.core.app import Route
from switchyard.host.adapters import engine, probe
from switchyard.host.adapters.container import Container
from switchyard.host.attempt import Attempt
from switchyard.host.slot_state import identity


def prove_all(attempt: Attempt, key: str, containers: list[Container], most: float = math.inf) -> bool:
    """Whether containers are healthy by the rules of their own release; why not stands in ``attempt.memory.failed``.

    One after the other, and all the while none may end. ``most``: seconds that each gets, where its release gives more.
    """
    release = release_of(attempt, containers)
    app = attempt.store.releases.settings(release, attempt.request["app"])
    ports = {route.service: route.port for route in attempt.store.releases.routes(release, attempt.routes)}
    ran = key.endswith(attempt.site().live) or release != attempt.release
    restarts = {c.id: engine.restart_count(c.id) if ran else 0 for c in containers}
    try:
        for container in containers:
            service = container.service
            attempt.emit("progress", text=f"waiting for {service} to be healthy")
            if probe.prove(
                service,
                container.id,
                app.checks.get(service),
                ports.get(service),
                within=min(most, app.healthy_within),
                tick=partial(_watch, attempt, [c for c in containers if c is not container], restarts),
                base_restarts=restarts[container.id],
            ):
                attempt.memory.weak.add(service)
    except probe.Unhealthy as error:
        attempt.memory.failed[key] = attempt.memory.reason = str(error)
        return False
    attempt.memory.proven[key] = identity(containers)
    return True


def release_of(attempt: Attempt, containers: list[Container]) -> str:
    """The release that a colour's containers are of."""
    return containers[0].release if containers else attempt.release


def _watch(attempt: Attempt, containers: list[Container], restarts: Mapping[str, int]) -> None:
    """A tick that raises ``Unhealthy`` as soon as one of these containers has ended or was restarted since."""
    attempt.tick()
    for container in containers:
        probe.require_running(container.service, container.id, restarts[container.id])


def prove_one(attempt: Attempt, container: Container) -> None:
    """One new container healthy by the rule of its service; raises ``Unhealthy``."""
    service = container.service
    port = next((route.port for route in attempt.routes if route.service == service), None)
    check, within = attempt.app.checks.get(service), attempt.app.healthy_within
    probe.prove(service, container.id, check, port, within=within, tick=attempt.tick)


def prove_again(attempt: Attempt, container: Container) -> None:
    """One container that may have run before, healthy by the rule of its service: only restarts from now on count."""
    service, name = container.service, container.id
    check, within = attempt.app.checks.get(service), attempt.app.healthy_within
    count = engine.restart_count(name)
    probe.prove(service, name, check, None, within=within, tick=attempt.tick, base_restarts=count)


def await_up(attempt: Attempt, route: Route, colour: str, count: int, within: float) -> None:
    """Until the edge sees so many of a route's servers up, for so many seconds; raises ``Unhealthy``."""
    deadline = time.monotonic() + within
    while attempt.proxy.servers_up(f"{route.name}_{colour}") < count:
        attempt.tick()
        if time.monotonic() > deadline:
            raise probe.Unhealthy(f"{route.service}: healthy by our own probe, but the edge does not see it up")
        time.sleep(0.05)
