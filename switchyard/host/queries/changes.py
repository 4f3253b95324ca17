"""``changes``: which keys of the services differ from the live release's."""

from __future__ import annotations

from switchyard.core.compose_document import changed_keys, services_of
from switchyard.core.wire.answers import Changes
from switchyard.core.wire.request import Request
from switchyard.host.adapters.files import read_object
from switchyard.host.adapters.store import Store
from switchyard.host.facts import live_release


def changes(store: Store, request: Request) -> Changes:
    """Compare the values here, so that none leaves the host."""
    live = live_release(store, request.app)
    document = read_object(store.release(live.id) / "compose.json") if live else {}
    keys = changed_keys(services_of(document), request.services)
    return Changes({service: tuple(names) for service, names in keys.items()})
