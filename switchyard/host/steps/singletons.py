"""The handover: stop the singletons of one colour, start and prove those of the other.

``core/next_step`` decides the order, so that a singleton never runs in two colours; the journal shows each step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.lease import Superseded
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import reached_routes
from switchyard.host.inbox import Cancelled
from switchyard.host.steps import health
from switchyard.host.steps.containers import containers_in, release_of, restore_policies
from switchyard.host.steps.containers import start as start_containers
from switchyard.host.steps.containers import stop as stop_containers
from switchyard.host.steps.look import smoke_exclusive

HEALTHY_WITHIN = 60.0
"""Seconds in which a singleton must become healthy, where its release allows more."""
TRIES = 2
"""A first failure may be that of an engine which was just killed and is back already: no word on the release."""


def stop(attempt: Attempt, colour: str) -> None:
    """Stop the singletons of a colour, each within its grace period."""
    key, memory = f"single {colour}", attempt.memory
    stop_containers(attempt, colour, _singletons(attempt.request.app, colour))
    memory.started.discard(key)
    memory.proven.pop(key, None)
    memory.failed.pop(key, None)


def start(attempt: Attempt, colour: str) -> bool:
    """Start the singletons of the release that a colour holds."""
    release = attempt.site().slot(colour).release or attempt.wanted.id
    record = attempt.store.releases.readable(release)
    handover = (
        record.handover if record else sorted({each.service for each in _singletons(attempt.request.app, colour)})
    )
    if not handover:
        return True
    key, memory = f"single {colour}", attempt.memory
    reason = ""
    for _ in range(TRIES):
        try:
            start_containers(attempt, colour, release, handover)
            memory.started.add(key)
            return True
        except (Superseded, Cancelled):
            raise
        except SwitchyardError as error:
            engine.ping()
            reason = str(error)
    memory.failed[key] = memory.reason = reason
    _judge_handover(attempt, colour)
    return False


def prove(attempt: Attempt, colour: str) -> bool:
    """Prove the singletons of a colour healthy: before it is live its exclusive ones alone, which users wait for."""
    key, singletons = f"single {colour}", _singletons(attempt.request.app, colour)
    exclusive = [container for container in singletons if container.is_exclusive]
    comes_first = bool(exclusive) and colour != attempt.proxy.target()
    restore_policies(attempt.store.releases, colour, singletons)
    is_healthy = health.prove_all(
        attempt, key, exclusive if comes_first else singletons, math.inf if exclusive else HEALTHY_WITHIN
    ) and _prove_reached(attempt, key, colour, exclusive)
    if is_healthy and comes_first and attempt.request.verb == "deploy" and release_of(exclusive) == attempt.wanted.id:
        is_healthy = _smoke(attempt, key, colour)
    _judge_handover(attempt, colour)
    return is_healthy


def _prove_reached(attempt: Attempt, key: str, colour: str, exclusive: Sequence[Container]) -> bool:
    """Wait until the edge sees exclusive services up."""
    release, services = release_of(exclusive), {container.service for container in exclusive}
    if release is None:
        return True
    routes = [route for _, route in reached_routes(attempt.store, release) if route.service in services]
    return health.await_routes(attempt, key, routes, colour)


def _smoke(attempt: Attempt, key: str, colour: str) -> bool:
    reason = smoke_exclusive(attempt, colour)
    if reason:
        attempt.memory.failed[key] = attempt.memory.reason = reason
    return not reason


def _singletons(app: str, colour: str) -> list[Container]:
    return [container for container in containers_in(app, colour) if container.is_singleton]


def _judge_handover(attempt: Attempt, colour: str) -> None:
    """Turn a failed handover of the wanted release into a wrong verdict, which outlives the stopped containers."""
    has_failed = f"single {colour}" in attempt.memory.failed
    if has_failed and attempt.site().slot(colour).release == attempt.wanted.id:
        attempt.memory.verdict = "wrong"
