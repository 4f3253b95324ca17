"""The steps that a deploy would take from a site if each of them succeeded."""

from __future__ import annotations

from dataclasses import replace

from switchyard.core.next_step import Done, Want, next_step
from switchyard.core.site import Site
from switchyard.core.steps import STEPS, Assumed, Step

STEPS_MOST = 100
"""More steps than any plan has: a guard against decisions that go round in a circle."""


def plan(want: Want, site: Site, *, singles: bool, exclusive: bool = False, oneshots: bool = True) -> list[Step]:
    """Return the steps in order. The last three tell what the wanted release has: singletons, exclusive ones among
    them, oneshots.
    """
    return [step for step, _ in walk(want, site, singles=singles, exclusive=exclusive, oneshots=oneshots)]


def walk(
    want: Want, site: Site, *, singles: bool, exclusive: bool = False, oneshots: bool = True
) -> list[tuple[Step, Site]]:
    """Return the steps in order, each with the site that it starts from."""
    assumed = Assumed(want.release, "none" if singles else "unused", exclusive)
    steps: list[tuple[Step, Site]] = []
    while len(steps) < STEPS_MOST:
        step = next_step(want, site)
        if isinstance(step, Done):
            return steps
        steps.append((step, site))
        site = STEPS[step.name].effect(site, step, assumed)
        if step.name == "build" and not oneshots:
            site = replace(site, stage="ran")
    raise AssertionError(f"the plan from {site} does not end")
