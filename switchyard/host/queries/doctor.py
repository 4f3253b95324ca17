"""``doctor``: what would stop a deploy here."""

from __future__ import annotations

import time
from dataclasses import fields

from switchyard.core.wire.answers import DoctorAnswer
from switchyard.core.wire.facts import Facts
from switchyard.core.wire.request import Request
from switchyard.host import certificates
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.edge_place import edge_place
from switchyard.host.facts import facts_for_a_release

ADDRESS_RANGES = 31
"""Networks that an engine can create with the address ranges that it has by default."""


def doctor(store: Store, request: Request) -> DoctorAnswer:
    """Return the facts, and the state of what a deploy relies on."""
    facts = facts_for_a_release(store, request.app)
    return DoctorAnswer(
        **{field.name: getattr(facts, field.name) for field in fields(Facts)},
        compose=process.printed(["docker", "compose", "version"]),
        git=process.printed(["git", "--version"]),
        clock=time.time(),
        plain=tuple(container for container in facts.others if container.project == request.app),
        journal=store.journal.problems(request.head),
        place=edge_place(store, request.app),
        networks_free=_networks_free(request.app),
        certificates=tuple(certificates.ends(Proxy(store))),
    )


def _networks_free(app: str) -> int:
    """Return how many networks the engine can still create; those of this application count as free."""
    pools = engine.info().pools
    room = sum(1 << (pool.size - pool.bits) for pool in pools if pool.size >= pool.bits) or ADDRESS_RANGES
    return room - len([network for network in engine.networks() if network.driver == "bridge" and network.app != app])
