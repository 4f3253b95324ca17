"""The handover: stop the singletons of one colour, start and prove those of the other.

``core/next_step`` decides the order, so that a singleton never runs in two colours; the journal shows each step.
"""

from __future__ import annotations

from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.lease import Superseded
from switchyard.host.attempt import Attempt
from switchyard.host.inbox import Cancelled
from switchyard.host.steps import health
from switchyard.host.steps.containers import containers_in, restore_policies
from switchyard.host.steps.containers import start as start_containers
from switchyard.host.steps.containers import stop as stop_containers

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
    """Prove the singletons of a colour healthy."""
    singletons = _singletons(attempt.request.app, colour)
    restore_policies(attempt.store.releases, colour, singletons)
    is_healthy = health.prove_all(attempt, f"single {colour}", singletons, HEALTHY_WITHIN)
    _judge_handover(attempt, colour)
    return is_healthy


def _singletons(app: str, colour: str) -> list[Container]:
    return [container for container in containers_in(app, colour) if container.is_singleton]


def _judge_handover(attempt: Attempt, colour: str) -> None:
    """Turn a failed handover of the wanted release into a wrong verdict, which outlives the stopped containers."""
    has_failed = f"single {colour}" in attempt.memory.failed
    if has_failed and attempt.site().slot(colour).release == attempt.wanted.id:
        attempt.memory.verdict = "wrong"
