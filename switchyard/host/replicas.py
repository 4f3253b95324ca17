"""How many containers each service should have, and which services lack some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from switchyard.core.compose_document import Document
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.store import Store


def of_document(document: Document, services: Iterable[str], scales: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return how many containers each of these services should have: what ``inv scale`` asked for, else the document.

    A service that the document lacks is left out.
    """
    replicas = document.replicas(services)
    return {name: (scales or {}).get(name, count) for name, count in replicas.items()}


def of_colour(store: Store, record: ReleaseRecord, colour: str, services: Iterable[str]) -> dict[str, int]:
    """Return how many containers each of these services of a release should have in a colour."""
    return of_document(store.releases.document(record.id, colour), services, store.scales())


def lacking(containers: Iterable[Container], replicas: Mapping[str, int]) -> dict[str, str]:
    """Return the services of which too few containers run, each with how many do."""
    running = Counter(container.service for container in containers if container.is_running)
    return {name: f"{running[name]} of {count}" for name, count in replicas.items() if running[name] < count}
