"""Prove containers healthy by the rules of their own release."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from switchyard.core import edge
from switchyard.core.app import App, Route
from switchyard.host.adapters import engine, probe
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.attempt import Attempt
from switchyard.host.slot_state import identity
from switchyard.host.steps.containers import containers_in, release_of


def prove_all(attempt: Attempt, key: str, containers: Sequence[Container], seconds_most: float = math.inf) -> bool:
    """Prove containers healthy one after the other, and remember the proof, or the reason of the failure, by ``key``.

    Meanwhile none of them may end. Each gets the seconds that its release allows, at most ``seconds_most``.
    """
    releases, memory = attempt.store.releases, attempt.memory
    release = release_of(containers) or attempt.wanted.id
    app = releases.settings(release, attempt.request.app)
    ports = {route.service: route.port for route in releases.routes(release, attempt.wanted.routes)}
    may_have_restarted = key.endswith(attempt.site().live) or release != attempt.wanted.id
    restarts = {each.id: engine.restart_count(each.id) if may_have_restarted else 0 for each in containers}
    waiting = list(containers)
    try:
        while waiting:
            container = waiting.pop(0)
            service = container.service
            attempt.events.progress(f"waiting for {service} to be healthy")
            others = [other for other in containers if other is not container]
            if probe.prove(
                service,
                container.id,
                app.checks.get(service),
                ports.get(service),
                within=min(seconds_most, app.healthy_within),
                tick=partial(_watch, attempt, release, others, restarts),
                base_restarts=restarts[container.id],
                withheld=partial(attempt.wanted.withheld, service, release),
            ):
                memory.weak.add(service)
    except probe.Unhealthy as error:
        others_ill = _also_ill(attempt, release, waiting, app, ports)
        memory.failed[key] = memory.reason = "\n".join((str(error), *others_ill))
        memory.is_mistake_of_settings |= isinstance(error, probe.EndedByItself) and release == attempt.wanted.id
        return False
    memory.proven[key] = identity(containers)
    return True


def _also_ill(
    attempt: Attempt, release: str, containers: Sequence[Container], app: App, ports: Mapping[str, int]
) -> Iterator[str]:
    """Yield what one probe now says of containers that nobody waited for, where it fails."""
    for container in containers:
        attempt.tick()
        details, service = engine.inspect(container.id), container.service
        if details is None or not details.is_running:
            yield f"{service}: it does not run"
            continue
        answer = probe.once(details, app.checks.get(service), ports.get(service))
        if not answer.passed:
            yield f"{service}: " + (attempt.wanted.withheld(service, release) or f"last answer: {answer.seen}")


def _watch(attempt: Attempt, release: str, containers: Sequence[Container], restarts: Mapping[str, int]) -> None:
    """Tick, and raise ``Unhealthy`` as soon as one of these containers ended or was restarted."""
    attempt.tick()
    for container in containers:
        withheld = partial(attempt.wanted.withheld, container.service, release)
        probe.require_running(container.service, container.id, restarts[container.id], withheld=withheld)


def prove_new(attempt: Attempt, container: Container) -> None:
    """Prove a new container healthy by the rule of its service. Raise ``Unhealthy`` where it is not."""
    app, service = attempt.wanted.app, container.service
    port = next((route.port for route in attempt.wanted.routes if route.service == service), None)
    check = app.checks.get(service)
    withheld = partial(attempt.wanted.withheld, service)
    probe.prove(service, container.id, check, port, within=app.healthy_within, tick=attempt.tick, withheld=withheld)


def prove_again(attempt: Attempt, container: Container) -> None:
    """Prove a container healthy that may have run before: only restarts from now on count against it."""
    app, service = attempt.wanted.app, container.service
    check, restarts = app.checks.get(service), engine.restart_count(container.id)
    probe.prove(
        service,
        container.id,
        check,
        None,
        within=app.healthy_within,
        tick=attempt.tick,
        base_restarts=restarts,
        withheld=partial(attempt.wanted.withheld, service),
    )


def await_routes(attempt: Attempt, key: str, routes: Iterable[Route], colour: str) -> bool:
    """Wait until the edge sees a server of each route up, and remember the failure by ``key`` where it does not."""
    release = release_of(containers_in(attempt.request.app, colour)) or attempt.wanted.id
    within = attempt.store.releases.settings(release, attempt.request.app).healthy_within
    attempt.proxy.resume(colour)
    try:
        for route in routes:
            await_up(attempt.proxy, route, colour, 1, within=within, tick=attempt.tick)
    except probe.Unhealthy as error:
        attempt.memory.failed[key] = attempt.memory.reason = str(error)
        return False
    return True


def await_up(proxy: Proxy, route: Route, colour: str, count: int, *, within: float, tick: Callable[[], None]) -> None:
    """Wait until the edge sees so many of a route's servers up. Raise ``Unhealthy`` after ``within`` seconds."""
    deadline = time.monotonic() + within
    while proxy.servers_up(edge.backend_name(route, colour)) < count:
        tick()
        if time.monotonic() > deadline:
            raise probe.Unhealthy(f"{route.service}: healthy by our own probe, but the edge does not see it up")
        time.sleep(0.05)
