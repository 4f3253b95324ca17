"""The secrets that what a container prints may hold."""

from __future__ import annotations

from switchyard.core.redact import spellings
from switchyard.host.adapters.store import Store


def secret_spellings(store: Store) -> list[str]:
    """Return the spellings of every kept release's secrets: a container may print those of any of them."""
    return spellings(value for name in store.releases.names() for value in store.releases.secrets(name))
