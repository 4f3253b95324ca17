"""``exec``: a command in a running container."""

from __future__ import annotations

import shlex

from switchyard.core.errors import BadInput
from switchyard.core.wire.answers import ExecResult
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store
from switchyard.host.queries.running import running_container
from switchyard.host.queries.secrets import every_redactor, withheld

EXECUTE_WITHIN = 600.0


def execute(store: Store, request: Request) -> ExecResult:
    """Run the command in a container of the live colour, or in a shared one; return its output without any secret."""
    container = running_container(store, request.app, request.service or "")
    if container is None:
        raise BadInput(f"no running service of the live colour is called {request.service}")
    code, output = engine.execute(container.id, shlex.split(request.command or ""), within=EXECUTE_WITHIN)
    return ExecResult(code, withheld(store, container) or every_redactor(store)(output))
