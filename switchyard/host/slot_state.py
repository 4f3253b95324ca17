"""The state of a colour's services: what the engine shows, together with what the attempt remembers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from switchyard.core import names
from switchyard.core.site import NOTHING, Slot
from switchyard.host import replicas
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import PROJECT, Container
from switchyard.host.adapters.files import DamagedFile
from switchyard.host.adapters.store import Store
from switchyard.host.memory import Memory, Proof

SHARED = "shared"
"""The key of the shared services in an attempt's memory."""


def of_colour(containers: Iterable[Container], colour: str) -> list[Container]:
    """Return the containers of a colour's services, oneshots apart."""
    return [container for container in containers if container.is_of_colour and container.colour == colour]


def held_release(store: Store, containers: Iterable[Container], colour: str, live: str) -> str | None:
    """Return the release that a colour holds: that of its containers.

    The live colour holds its release also where somebody removed every container of it.
    """
    services = of_colour(containers, colour)
    if services:
        return services[0].release or None
    linked = store.linked_release(colour) if colour == live else None
    return linked if linked and store.releases.readable(linked) is not None else None


def slot(store: Store, memory: Memory, colour: str, containers: Sequence[Container], live: str = NOTHING) -> Slot:
    """Return a colour's release and the state of its services. ``live``: the colour that traffic goes to."""
    services = of_colour(containers, colour)
    release = held_release(store, containers, colour, live)
    if release is None and not services:
        return Slot()
    record = store.releases.readable(release)
    front = [container for container in services if not container.is_singleton]
    singletons = [container for container in services if container.is_singleton]
    handover = record.handover if record else ()
    counts: dict[str, int] = {}
    if record is not None:
        with contextlib.suppress(DamagedFile):  # then what runs is taken for whole; status names the document
            counts = replicas.of_colour(store, record, colour, (*record.front, *handover))
    lacking = replicas.lacking(services, counts).keys()
    lacks_singletons = not lacking.isdisjoint(handover)
    has_singletons = bool(singletons or handover)
    exclusive = [container for container in singletons if container.is_exclusive]
    is_exclusive = bool(exclusive or (record and record.exclusive))
    return Slot(
        release=release,
        front=front_state(memory, f"front {colour}", front, lacks=bool(lacking - set(handover))),
        single=singleton_state(
            memory,
            f"single {colour}",
            singletons,
            lacks=lacks_singletons,
            proven=exclusive if is_exclusive and colour != live else singletons,
        )
        if has_singletons
        else "unused",
        exclusive=is_exclusive,
    )


def front_state(memory: Memory, key: str, containers: list[Container], *, lacks: bool) -> str:
    """Return the state of routed and plain services; ``lacks``: fewer run than their release says."""
    if not containers:
        return "none"
    if key in memory.failed:
        return "failed"
    running = [container for container in containers if container.is_running]
    if lacks or not running:
        return "starting" if key in memory.started else "stopped"
    return "healthy" if memory.proven.get(key) == identity(running) else "starting"


def singleton_state(
    memory: Memory, key: str, containers: list[Container], *, lacks: bool, proven: Iterable[Container]
) -> str:
    """Return the state of handover and exclusive services; ``lacks``: fewer run than their release says.

    ``proven`` are those of them that a proof must be about.
    """
    if key in memory.failed:
        return "failed"
    running = [container for container in containers if container.is_up]
    if not running:
        return "running" if key in memory.started else ("stopped" if containers else "none")
    if lacks:
        return "running" if key in memory.started else "lacking"
    judged = [container for container in proven if container.is_up]
    return "healthy" if memory.proven.get(key) == identity(judged) else "running"


def identity(containers: Iterable[Container]) -> Proof:
    """Return what a proof is about: these containers, with when each started."""
    details = filter(None, (engine.inspect(container.id) for container in containers))
    return frozenset((container.id, container.started_at) for container in details)


def shared_containers(app: str) -> list[Container]:
    """Return the containers of the shared project, running or not."""
    return engine.containers(f"{PROJECT}={names.project(app, 'shared')}")
