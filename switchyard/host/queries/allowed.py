"""``allowed``: what the application's commits may use beyond the env of this host."""

from __future__ import annotations

from switchyard.core.wire.allowance import Allowance
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store


def allowed(store: Store, request: Request) -> Allowance:
    """Return what allow.json holds."""
    return store.allowance()
