"""What a first deploy leaves up where it fails, and how to go on or remove it."""

from __future__ import annotations

from switchyard.core import names
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store


def describe(store: Store, app: str) -> str:
    """Say what of an application runs while nothing of it is live, and how to go on or remove it; empty for nothing."""
    running = [container for container in engine.containers(f"{names.APP}={app}") if container.is_up]
    shared = sorted({container.service for container in running if container.is_of_shared_project})
    parts = [f"shared services ({', '.join(shared)})"] if shared else []
    if any(container.kind == "edge" for container in running):
        addresses = ", ".join(route.public for route in store.held_addresses() or ())
        parts.append(f"the edge, which holds {addresses} and answers 503")
    parts += sorted(f"{each.service} of {each.colour}" for each in running if each.is_of_colour)
    if not parts:
        return ""
    return (
        f"Nothing is live, and these stay up: {'; '.join(parts)}. To go on, mend the cause and run inv deploy again; "
        "what runs is used. To remove them, run on the host: docker rm --force $(docker ps --all --quiet --filter "
        f"label={names.APP}={app}). Volumes, images and {store.root} stay"
    )
