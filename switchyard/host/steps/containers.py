"""The containers of a colour: listed, stopped, and kept running."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator

from switchyard.core import commands, names
from switchyard.core.errors import SwitchyardError
from switchyard.core.site import NOTHING
from switchyard.host import replicas
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container, RestartPolicy
from switchyard.host.adapters.releases import Releases
from switchyard.host.attempt import Attempt
from switchyard.host.reach import require_own
from switchyard.host.slot_state import of_colour

LISTED_WITHIN = 5.0
"""Seconds that the engine's list may lag behind a stop."""


def containers_in(app: str, colour: str) -> list[Container]:
    """Return the containers of a colour's services, running or not."""
    return of_colour(engine.containers(f"{names.APP}={app}", f"{names.COLOUR}={colour}"), colour)


def releases_in_colours(app: str) -> dict[str, str | None]:
    """Return the release whose containers each colour holds; None where it holds none."""
    return {colour: release_of(containers_in(app, colour)) for colour in names.COLOURS}


def release_of(containers: Iterable[Container]) -> str | None:
    """Return the release of a colour's containers; None where there are none."""
    return next((container.release or None for container in containers), None)


def start(attempt: Attempt, colour: str, release: str, services: Collection[str]) -> None:
    """Start services of the release that a colour holds: all where none runs, else what is missing or stopped of them.

    What runs stays as it is.
    """

    def of_services() -> list[Container]:
        return [each for each in containers_in(attempt.request.app, colour) if each.service in services]

    require_own(attempt.store, attempt.request.app, attempt.store.releases.document(release, colour), services)
    with restoring(attempt, of_services):
        resume(attempt, colour, of_services())
        up = commands.up(attempt.wanted.target(release), colour, services)
        running = [each for each in of_services() if each.is_running]
        if running:
            document = attempt.store.releases.document(release, colour)
            lacking = replicas.lacking(running, replicas.of_document(document, services, attempt.store.scales()))
            up = [*commands.up(attempt.wanted.target(release), colour, lacking), "--no-recreate"] if lacking else []
        if up:
            attempt.commands.run(up)


def resume(attempt: Attempt, colour: str, containers: Iterable[Container]) -> None:
    """Let those of these containers go on that are paused: Compose does not start them."""
    paused = [container.id for container in containers if container.is_paused]
    if paused:
        attempt.commands.run(commands.resume(paused), shown=commands.resume([commands.containers_of(colour)]))


@contextlib.contextmanager
def restoring(attempt: Attempt, listed: Callable[[], list[Container]]) -> Iterator[None]:
    """Remember which of the listed containers the body starts, where the wanted release is live.

    From the first one on the attempt goes on by itself, as after a switch.
    """
    if not is_live(attempt):
        yield
        return
    known = {container.id for container in listed() if container.is_up and not container.is_paused}
    had_switched, attempt.lease.has_switched = attempt.lease.has_switched, True
    attempt.lease.renew()
    try:
        yield
    finally:
        new = [container for container in listed() if container.is_running and container.id not in known]
        attempt.memory.restored |= {"the edge" if each.kind == "edge" else each.service for each in new}
        attempt.lease.has_switched = had_switched or bool(new)


def is_live(attempt: Attempt) -> bool:
    """Return whether the wanted release is live."""
    colour = attempt.proxy.target()
    return colour != NOTHING and release_of(containers_in(attempt.request.app, colour)) == attempt.wanted.id


def stop(attempt: Attempt, colour: str, containers: Iterable[Container], *, listens: bool = False) -> None:
    """Stop containers of a colour together, each within its own grace period, and wait until the list shows it.

    The engine finishes a stop whether or not we wait. Who ``listens`` gives up waiting at a cancel, in silence, or when
    superseded; else whoever takes over would have to wait in our place.
    """
    running = [container.id for container in containers if container.is_up]
    if not running:
        return
    for container in running:  # the engine must not start again what was stopped on purpose
        engine.set_restart_policy(container, RestartPolicy("no"))
    shown = commands.stop([commands.containers_of(colour)])
    attempt.commands.run(commands.stop(running), shown=shown, tick=attempt.tick if listens else attempt.lease.linger)
    deadline = time.monotonic() + LISTED_WITHIN
    while any(container.id in running and container.is_up for container in containers_in(attempt.request.app, colour)):
        if time.monotonic() > deadline:
            raise SwitchyardError(f"a container of {colour} still runs after docker stop; see docker ps on the host")
        time.sleep(0.02)


def restore_policies(releases: Releases, colour: str, containers: Iterable[Container]) -> None:
    """Give containers the restart policy of their document again, which a stop took from them."""
    for container in containers:
        service = releases.document(container.release, colour).services.get(container.service)
        keep_running(container.id, service.restart if service else "no")


def keep_running(container: str, restart: str) -> None:
    """Set a restart policy under which a running container also survives a kill of the engine.

    An engine that was killed stops what still runs when it comes back, takes that for somebody's wish, and does not
    start what has ``unless-stopped`` again. So the container gets ``always`` for as long as it is meant to run. A
    container that ends just then takes no policy; its proof will tell that it ended.
    """
    name, _, most = restart.partition(":")
    policy = RestartPolicy("always" if name == "unless-stopped" else name, int(most or 0))
    details = engine.inspect(container)
    if details is None or details.restart_policy == policy:
        return
    try:
        engine.set_restart_policy(container, policy)
    except SwitchyardError:
        if _runs_since(container, details.started_at):
            raise


def _runs_since(container: str, started: str) -> bool:
    details = engine.inspect(container)
    return details is not None and (details.status, details.started_at) == ("running", started)
