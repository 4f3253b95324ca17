"""The first event of an attempt that holds the lease: what this machine is like."""

from __future__ import annotations

from switchyard.core.wire.events import Hello
from switchyard.core.wire.facts import Facts
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import live_routes
from switchyard.host.facts import collect_facts, usual_seconds


def look_around(attempt: Attempt) -> Facts:
    """Return the facts of this machine, and remember which release is live."""
    facts = collect_facts(attempt.store, attempt.request.app)
    attempt.before = facts.live.id if facts.live else None
    return facts


def greet(attempt: Attempt, facts: Facts | None = None) -> None:
    """Tell the control node the facts of this machine, with the wanted release where it is known already."""
    facts = look_around(attempt) if facts is None else facts
    release = attempt.wanted.id or None
    routes = live_routes(attempt.store, release)
    attempt.events.emit(Hello(facts, usual_seconds(attempt.store), release, routes))
