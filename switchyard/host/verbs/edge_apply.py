"""``edge.apply``: recreate the edge with the addresses of a commit."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.core.app import Route
from switchyard.core.errors import Refused
from switchyard.core.steps import Step
from switchyard.host import backup
from switchyard.host.agreement import ask, receive_commit
from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending, unchanged
from switchyard.host.neighbours import listening
from switchyard.host.steps.table import act


def edge_apply(attempt: Attempt) -> Ending:
    """Recreate the edge with the addresses of a commit once the operator agrees to the interruption."""
    store = attempt.store
    receive_commit(attempt, store.edge / "routes.json")
    before = {_address(route) for route in store.published_routes() or ()}
    after = {_address(route) for route in attempt.wanted.routes}
    if before == after and not backup.is_unfinished(store.edge):
        return unchanged("the edge holds the addresses of this commit: nothing to do")
    _require_free_ports(attempt.request.app, attempt.wanted.routes)
    lines = [f"added: {address}" for address in sorted(after - before)]
    lines += [f"gone: {address}" for address in sorted(before - after)]
    ask(attempt, [*lines, "every route is interrupted while the edge is recreated, for about a second"])
    act(attempt, Step("apply_edge"))
    store.releases.update(attempt.wanted.id, state="applied")
    return Ending("applied")


def _require_free_ports(app: str, routes: Sequence[Route]) -> None:
    """Refuse where another process holds a port that the edge needs."""
    holders, edge = listening(), f"{app}'s edge"
    ports = [str(route.listen) for route in routes]
    occupied = [port for port in ports if holders.get(port, edge) != edge]
    if occupied:
        raise Refused("; ".join(f"port {port} is held by {holders[port]}" for port in occupied))


def _address(route: Route) -> str:
    return f"{route.service}:{route.port} on {route.address}:{route.listen}"
