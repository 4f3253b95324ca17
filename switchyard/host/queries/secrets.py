"""What the answers of verbs that only look must not show."""

from __future__ import annotations

from collections.abc import Iterable

from switchyard.core.outside_text import shortened
from switchyard.core.redact import Redactor
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.store import Store


def every_redactor(store: Store) -> Redactor:
    """Return what removes the secrets of every kept release: a container may print those of any of them.

    It lacks those of a release that somebody damaged. ``withheld`` keeps the output of its containers.
    """
    return store.releases.redactor(store.releases.names(), strict=False)


def told(store: Store, text: str) -> str:
    """Return a text as a person may read it: without the secrets of any kept release, and then cut."""
    return shortened(every_redactor(store)(text))


def withheld(store: Store, container: Container) -> str:
    """Return why the output of a container must not be shown; empty where it may be."""
    names = store.releases.names()
    own: Iterable[str] = [container.release] if container.release in names else names
    return next(filter(None, (store.releases.withheld(name, container.service) for name in own)), "")
