"""The containers of a slot as the engine has them: listed, stopped, and kept up."""

from __future__ import annotations

import time
from collections.abc import Iterable

from switchyard.core import commands, names
from switchyard.core.errors import (
    SwitchyardError,
)
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container, RestartPolicy
from switchyard.host.attempt import Attempt
from switchyard.host.slot_state import of_colour

LISTED_WITHIN = 5.0
"""Seconds for which the engine's list may lag behind a stop that it has answered."""


def containers_in(attempt: Attempt, colour: str) -> list[Container]:
    """What the slot of a colour holds, running or not, as the engine lists it."""
    app = attempt.request["app"]
    return of_colour(engine.containers(f"{names.APP}={app}", f"{names.COLOUR}={colour}"), colour)


def releases(attempt: Attempt) -> dict[str, str | None]:
    """The release whose containers each colour holds; None where it holds none."""
    found: dict[str, str | None] = {}
    for colour in names.COLOURS:
        held = containers_in(attempt, colour)
        found[colour] = (held[0].release or None) if held else None
    return found


def stop(attempt: Attempt, colour: str, containers: Iterable[Container]) -> None:
    """Stops containers of a colour together, each with its own grace period, until the engine's list shows it."""
    running = [c.id for c in containers if c.is_up]
    if not running:
        return
    for container in running:  # nothing that was stopped on purpose comes back with the engine
        engine.set_restart_policy(container, RestartPolicy("no"))
    # Cut short here, the engine would still stop them, under the eyes of whoever has taken over.
    attempt.run(commands.stop(running), shown=commands.stop([commands.containers_of(colour)]), tick=attempt.linger)
    deadline = time.monotonic() + LISTED_WITHIN
    while any(c.id in running and c.is_up for c in containers_in(attempt, colour)):
        if time.monotonic() > deadline:
            raise SwitchyardError(f"a container of {colour} runs on after docker stop; see docker ps on the host")
        time.sleep(0.02)


def keep(attempt: Attempt, colour: str, containers: list[Container]) -> None:
    """Gives containers the restart policy of their document again, which a stop took from them."""
    for container in containers:
        service = attempt.store.releases.document(container.release, colour).services.get(container.service)
        keep_up(container.id, service.restart if service else "no")


def keep_up(container: str, restart: str) -> None:
    """Has the engine bring a running container back whatever happens to the engine itself.

    One that was killed stops what still ran when it comes back, takes that for somebody's wish, and so does not start
    again what has ``unless-stopped``. The container gets ``always`` for as long as it is meant to run. One that ends
    just then takes no policy; that it ended is for its proof to tell.
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
