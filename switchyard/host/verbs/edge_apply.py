"""``edge.apply``: recreate the edge with the addresses of a commit."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from switchyard.core.app import Route
from switchyard.core.errors import Refused, refuse
from switchyard.core.held_routes import HeldRoute
from switchyard.core.steps import Step
from switchyard.host import backup, certificates, edge_container
from switchyard.host.agreement import ask, receive_commit
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import applied_addresses
from switchyard.host.edge_documents import is_drafted
from switchyard.host.ending import Ending, unchanged
from switchyard.host.neighbours import listening
from switchyard.host.steps.table import act


def edge_apply(attempt: Attempt) -> Ending:
    """Recreate the edge with the addresses of a commit once the operator agrees to the interruption."""
    store, site = attempt.store, attempt.site()
    receive_commit(attempt, store.edge / "routes.json")
    refuse(certificates.lacking(store, attempt.wanted.routes))
    before, after = store.held_addresses() or (), applied_addresses(store, attempt.wanted.id, site)
    new, gone = _new(after, before), _new(before, after)
    lacks = edge_container.lacks(store, attempt.request.app)
    is_cut_short = backup.is_unfinished(store.edge) or is_drafted(store.edge)
    if not (new or gone or lacks or is_cut_short):
        return unchanged("the edge holds the addresses of this commit: nothing to do")
    _require_free(attempt.request.app, new)
    stays = [address for address in after if address.public not in map(_public, attempt.wanted.routes)]
    lines = [f"added: {address.public} ({address.service}:{address.port})" for address in new]
    lines += [f"gone: {address.public} ({address.service}:{address.port})" for address in gone]
    lines += [f"stays while the live release answers there: {address.public}" for address in stays]
    lines += (
        ["changed: the edge asks for services by reserved names, which no service can take"] if "dns" in lacks else []
    )
    lines += [f"new in its container: {', '.join(lacks)}"] if lacks else []
    ask(attempt, [*lines, "every route is interrupted while the edge is recreated, for about a second"])
    act(attempt, Step("apply_edge"))
    store.releases.update(attempt.wanted.id, state="applied")
    return Ending("applied")


def _new(routes: Sequence[HeldRoute], others: Sequence[HeldRoute]) -> list[HeldRoute]:
    """Return the addresses that others lack."""
    known = set(map(_public, others))
    return [route for route in routes if route.public not in known]


def _public(route: Route) -> str:
    return route.public


def _require_free(app: str, new: Sequence[Route]) -> None:
    """Refuse where the edge could not hold a new address: this host lacks it, or another process holds the port."""
    holders, own = listening(), f"{app}'s edge"
    ports = dict.fromkeys(str(route.listen) for route in new)
    problems = [f"port {port} is held by {holders[port]}" for port in ports if holders.get(port, own) != own]
    problems += [f"{route.public}: this host has no address {route.address}" for route in new if not _is_here(route)]
    if problems:
        raise Refused("; ".join(problems))


def _is_here(route: Route) -> bool:
    """Return whether this host has the address of a route."""
    family = socket.AF_INET6 if ":" in route.address else socket.AF_INET
    try:
        with socket.socket(family) as trial:
            trial.bind((route.address, 0))
    except OSError:
        return False
    return True
