"""Change how many containers a service of the live colour has."""

from __future__ import annotations

from switchyard.core import commands, names
from switchyard.core.errors import (
    SwitchyardError,
)
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import Container
from switchyard.host.attempt import Attempt
from switchyard.host.steps import health
from switchyard.host.steps.restart import REST_WITHIN


def scale_live(attempt: Attempt, colour: str | None) -> None:
    """Containers of the service added, each proven, or taken out, until there are as many as are asked for."""
    assert colour is not None
    service, count = str(attempt.request["service"]), int(attempt.request["count"])
    held = _of_service(attempt, colour, service)
    known = {container.id for container in held}
    attempt.proxy.close(colour)
    try:
        for container in held[count:]:
            attempt.emit("progress", text=f"taking one {service} out")
            address = engine.address(container.id)
            attempt.proxy.rest(address, within=REST_WITHIN)
            process.run(["docker", "stop", container.id], tick=attempt.linger)
            _remove(attempt, container.id, address)
        attempt.run([*commands.up(attempt.target(), colour, [service]), "--no-recreate"])
        for container in _of_service(attempt, colour, service):
            if container.id not in known:
                _prove_or_remove(attempt, container)
    finally:
        attempt.proxy.resume(colour)


def _prove_or_remove(attempt: Attempt, container: Container) -> None:
    try:
        health.prove_one(attempt, container)
    except SwitchyardError:
        _remove(attempt, container.id, engine.address(container.id))
        raise


def _remove(attempt: Attempt, container: str, address: str) -> None:
    engine.remove(container, force=True)
    attempt.proxy.forget(address)


def _of_service(attempt: Attempt, colour: str, service: str) -> list[Container]:
    """The containers of one service, by their number."""
    found = engine.containers(
        f"{names.APP}={attempt.request['app']}", f"{names.COLOUR}={colour}", f"com.docker.compose.service={service}"
    )
    return sorted(found, key=lambda container: container.number)
