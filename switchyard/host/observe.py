"""Look at this machine and return it as a ``Site``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from switchyard.core import names
from switchyard.core.site import Site
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host import replicas
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import read_document, read_text
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.edge_configuration import wanted
from switchyard.host.memory import Memory
from switchyard.host.slot_state import SHARED, identity, slot
from switchyard.host.steps.foundation import lacking_folders, lacking_volumes


def site(store: Store, app: str, release: str, memory: Memory) -> Site:
    """Return this machine as it is now, from the view of a release; an empty ``release`` is none."""
    containers = engine.containers(f"{names.APP}={app}")
    record = store.releases.record(release)
    proxy = Proxy(store)
    seen = Site(
        proxy=proxy.live(),
        map_file=proxy.file_live(),
        hold="on" if proxy.holds() else "off",
        shared=shared_state(store, memory, app, record, containers),
        stage=stage(record),
        smoke=memory.smoke,
        verdict=memory.verdict,
    )
    for colour in names.COLOURS:
        seen = seen.with_slot(colour, slot(store, memory, colour, containers, seen.live))
    return replace(seen, edge=edge_state(store, app, release, seen, containers))


def shared_state(
    store: Store, memory: Memory, app: str, record: ReleaseRecord | None, containers: Iterable[Container]
) -> str:
    """Return the state of the shared services and of all that a release stands on: networks, volumes and folders."""
    if SHARED in memory.failed:
        return "failed"
    services = [container for container in containers if container.is_of_shared_project]
    needed = record.shared if record else ()
    counts = dict.fromkeys(needed, 1) | replicas.of_document(read_document(store.shared / "compose.json"), needed)
    is_laid = (store.shared / "ready").exists() and all(
        engine.has_network(names.network(app, colour)) for colour in names.COLOURS
    )
    if record is not None:
        is_laid = is_laid and not lacking_volumes(record) and not lacking_folders(store, record)
    if not is_laid or replicas.lacking(services, counts):
        return "absent"
    running = [container for container in services if container.is_running]
    return "healthy" if not needed or memory.proven.get(SHARED) == identity(running) else "running"


def edge_state(store: Store, app: str, release: str, site: Site, containers: Iterable[Container]) -> str:
    """Return the state of the edge for a release: absent, stale or current."""
    if not any(container.kind == "edge" and container.is_running for container in containers):
        return "absent"
    if not release:
        return "current"
    configuration = read_text(store.edge / "cfg" / "haproxy.cfg")
    if configuration is None:
        return "absent"
    needed = wanted(store, app, release, site)
    is_current = configuration == needed.configuration
    if not is_current:
        for holder in site.once_up(release).values():
            store.releases.record(holder)  # raises where a record is damaged: guessed routes are never loaded
    return "current" if is_current and needed.backends <= Proxy(store).backends() else "stale"


def stage(record: ReleaseRecord | None) -> str:
    """Return how far a release is, by the outcomes that its record holds and the images that a colour runs."""
    if record is None or not record.received:
        return "absent"
    if not record.images or missing_images(record):
        return "received"
    if any(outcome.exit for outcome in record.outcomes.values()):
        return "broken"
    succeeded = {name for name, outcome in record.outcomes.items() if outcome.succeeded}
    return "ran" if succeeded >= set(record.oneshots) else "built"


def missing_images(record: ReleaseRecord) -> list[str]:
    """Return the services of a colour whose image is not here. Those of oneshots and shared services may be gone."""
    images = {service: record.images.get(service) for service in record.runs}
    here = {image for image in set(images.values()) if image and engine.image_id(image) is not None}
    return [service for service, image in images.items() if image not in here]
