"""``edge.apply``: recreate the edge with the addresses of a commit."""

from __future__ import annotations

from switchyard.core.app import Route
from switchyard.core.errors import (
    Refused,
)
from switchyard.core.steps import Step
from switchyard.host import backup as aside
from switchyard.host.apply import agree, take_in
from switchyard.host.attempt import Attempt
from switchyard.host.neighbours import listening
from switchyard.host.receive import Unchanged
from switchyard.host.steps.table import act


def edge_apply(attempt: Attempt) -> tuple[str, int]:
    """Recreates the edge with the addresses of this commit once the operator's side has agreed."""
    take_in(attempt, attempt.store.edge / "routes.json")
    held = {_address(route) for route in attempt.store.published_routes() or ()}
    wanted = {_address(route): str(route.listen) for route in attempt.routes}
    if held == wanted.keys() and not aside.is_unfinished(attempt.store.edge):
        raise Unchanged("the edge holds the addresses of this commit: nothing to do")
    holders, mine = listening(), f"{attempt.request['app']}'s edge"
    taken = [port for port in wanted.values() if holders.get(port, mine) != mine]
    if taken:
        raise Refused("; ".join(f"port {port} is held by {holders[port]}" for port in taken))
    lines = [f"added: {name}" for name in sorted(wanted.keys() - held)]
    lines += [f"gone: {name}" for name in sorted(held - wanted.keys())]
    agree(attempt, [*lines, "every route is interrupted while the edge is made again, about a second"])
    act(attempt, Step("apply_edge"))
    attempt.store.releases.update(attempt.release, state="applied")
    return "applied", 0


def _address(route: Route) -> str:
    return f"{route.service}:{route.port} on {route.address}:{route.listen}"
