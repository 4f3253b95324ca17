"""The running container of a service, for the queries that look into one."""

from __future__ import annotations

from switchyard.core import names
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store


def running_container(store: Store, app: str, service: str) -> Container | None:
    """Return a running container of a service of the live colour, or of a shared one."""
    live = Proxy(store).live()
    for container in engine.containers(f"{names.APP}={app}"):
        if container.service == service and container.colour in (None, live) and container.is_running:
            return container
    return None
