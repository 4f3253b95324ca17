"""``facts``: what a plan is made from."""

from __future__ import annotations

from dataclasses import fields

from switchyard.core.wire.answers import PlanFacts
from switchyard.core.wire.facts import Facts
from switchyard.core.wire.request import Request
from switchyard.host import observe
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store
from switchyard.host.facts import facts_for_a_release
from switchyard.host.memory import Memory


def plan_facts(store: Store, request: Request) -> PlanFacts:
    """Return the facts, the site as no release in particular sees it, the scales and the images of this machine."""
    facts = facts_for_a_release(store, request.app)
    return PlanFacts(
        **{field.name: getattr(facts, field.name) for field in fields(Facts)},
        site=observe.site(store, request.app, "", Memory()),
        scales=store.scales(),
        images=tuple(engine.image_tags()),
    )
