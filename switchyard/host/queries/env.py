"""``env``: the live release's own env."""

from __future__ import annotations

from switchyard.core.errors import Refused
from switchyard.core.wire.answers import Env
from switchyard.core.wire.request import Request
from switchyard.host.adapters.files import read_text
from switchyard.host.adapters.store import Store
from switchyard.host.facts import live_release


def env(store: Store, request: Request) -> Env:
    """Return the env, for a host entry that takes it from there."""
    live = live_release(store, request.app)
    if live is None:
        raise Refused("nothing is live here, so there is no env to take over. Name env.files for the first deploy")
    return Env(read_text(store.release(live.id) / "env") or "")
