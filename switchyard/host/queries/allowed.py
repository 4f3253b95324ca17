"""``allowed``: what the application's commits may use beyond the env of this host, and its foreign objects."""

from __future__ import annotations

from switchyard.core.wire.answers import Allowed
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store


def allowed(store: Store, request: Request) -> Allowed:
    """Return what allow.json and adopted.json hold."""
    return Allowed(store.allowance(), store.ledger.objects())
