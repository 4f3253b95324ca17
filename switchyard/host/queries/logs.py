"""``logs``: the last lines of each container."""

from __future__ import annotations

from switchyard.core import names
from switchyard.core.errors import BadInput
from switchyard.core.wire.answers import Logs
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.queries.secrets import every_redactor, withheld

TAIL = 50
"""Lines of each container, where the request names no number."""


def logs(store: Store, request: Request) -> Logs:
    """Return the last lines of the live colour's containers and the shared ones, without any secret.

    Raise ``BadInput`` for a service that has no container here.
    """
    live, redact = Proxy(store).live(), every_redactor(store)
    containers = engine.containers(f"{names.APP}={request.app}")
    services = sorted({container.service for container in containers})
    if request.service is not None and request.service not in services:
        raise BadInput(f"--service {request.service}: no container of it is here. Name one of {', '.join(services)}")
    return Logs(
        {
            container.name: withheld(store, container) or redact(engine.logs(container.id, request.tail or TAIL))
            for container in containers
            if request.service in (None, container.service) and container.colour in (None, live)
        }
    )
