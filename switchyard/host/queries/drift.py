"""Drift: what runs on this machine and is not as recorded. Each sentence says what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.core import names
from switchyard.core.site import Site
from switchyard.host import replicas
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import read_document
from switchyard.host.adapters.store import Store
from switchyard.host.neighbours import plain_containers, strangers
from switchyard.host.slot_state import held_release, of_colour


def of_colours(store: Store, containers: Sequence[Container], site: Site) -> list[str]:
    """Compare the proxy with its map file, and the containers of each colour with the record of their release."""
    is_empty = (site.proxy, site.map_file) == ("down", "none")
    differs = not is_empty and site.proxy != site.map_file
    problems = [f"the map file says {site.map_file}, the running proxy {site.proxy}"] if differs else []
    if site.proxy in names.COLOURS and not of_colour(containers, site.proxy):
        problems.append(f"{site.proxy}, which is live, has no container")
    for colour in names.COLOURS:
        for container in of_colour(containers, colour):
            record = store.releases.readable(container.release)
            pinned = record.images.get(container.service) if record else None
            if container.image_id != pinned:
                recorded = f"its release says {pinned[:19]}" if pinned else "and no record of its release tells of it"
                problems.append(f"{container.service} of {colour} runs {container.image_id[:19]}, {recorded}")
    return problems


def of_services(store: Store, containers: Sequence[Container], live: str) -> list[str]:
    """Name the services of the live colour and the shared ones of which too few containers run."""
    services, release = of_colour(containers, live), held_release(store, containers, live, live)
    repair = f"inv rollback --to {release} starts what is missing" if release else "inv deploy ships anew"
    record = store.releases.readable(release)
    counts = replicas.of_colour(store, record, live, (*record.front, *record.handover)) if record else {}
    shared = read_document(store.shared / "compose.json")
    running = [container for container in containers if container.is_of_shared_project]
    return [
        f"{service} of {live}, which is live, runs {count} times: {repair}"
        for service, count in replicas.lacking(services, counts).items()
    ] + [
        f"the shared service {service} runs {count} times: {repair}"
        for service, count in replicas.lacking(running, replicas.of_document(shared, shared.services)).items()
    ]


def of_neighbours(store: Store, app: str) -> list[str]:
    """Name what runs beside the application: writers to its state, and a plain Compose project of the same name."""
    shared = read_document(store.shared / "compose.json")
    return [
        f"container {container} mounts {state} beside the shared service. Stop it now: two servers that write to one "
        "place ruin it"
        for container, state in strangers(engine.containers(), app, shared)
    ] + [
        f"{other.service} of the plain project {other.project} runs in {other.folder}. Stop it there with docker "
        "compose down, without -v"
        for other in plain_containers()
        if other.project == app and other.state == "running"
    ]
