"""``places``: where paths lead on this host, and what the host is to the application."""

from __future__ import annotations

from switchyard.core.wire.answers import Places
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store
from switchyard.host.reach import place_of, real_path


def places(store: Store, request: Request) -> Places:
    """Return the real path of each path that predeploy names, links followed."""
    return Places({path: real_path(path) for path in request.paths}, place_of(store, request.app))
