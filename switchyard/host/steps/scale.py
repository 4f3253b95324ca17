"""Change how many containers a service of the live colour has."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.core import commands
from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.attempt import Attempt
from switchyard.host.reach import require_own
from switchyard.host.steps import health
from switchyard.host.steps.containers import containers_in
from switchyard.host.steps.restart import ANSWERED_WITHIN


def scale_live(attempt: Attempt, colour: str) -> None:
    """Take containers out, or add and prove new ones, until the service has as many as the request asks for."""
    service, count = attempt.request.service or "", attempt.request.count or 0
    containers = _of_service(attempt.request.app, colour, service)
    known = {container.id for container in containers}
    attempt.proxy.close(colour)
    try:
        for container in containers[count:]:
            attempt.events.progress(f"taking one {service} out")
            address = engine.address(container.id)
            attempt.proxy.rest(address, within=ANSWERED_WITHIN)
            process.run(["docker", "stop", container.id], tick=attempt.lease.linger)
            _remove(attempt.proxy, container, address)
        document = attempt.store.releases.document(attempt.wanted.id, colour)
        require_own(attempt.store, attempt.request.app, document, [service])
        attempt.commands.run([*commands.up(attempt.wanted.target(), colour, [service]), "--no-recreate"])
        _prove_or_remove(
            attempt, [each for each in _of_service(attempt.request.app, colour, service) if each.id not in known]
        )
    finally:
        attempt.proxy.resume(colour)


def _prove_or_remove(attempt: Attempt, new: Sequence[Container]) -> None:
    """Prove new containers healthy. Where one is not, remove them all: what was live before is all that is live."""
    try:
        for container in new:
            health.prove_new(attempt, container)
    except SwitchyardError:
        for container in new:
            _remove(attempt.proxy, container, engine.address(container.id))
        attempt.lease.has_switched = False
        raise


def _remove(proxy: Proxy, container: Container, address: str) -> None:
    engine.remove(container.id, force=True)
    proxy.forget(address)


def _of_service(app: str, colour: str, service: str) -> list[Container]:
    """Return the containers of one service, ordered by their number."""
    containers = [each for each in containers_in(app, colour) if each.service == service]
    return sorted(containers, key=lambda container: container.number)
