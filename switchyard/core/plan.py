"""What a deploy would do from a site, if every step succeeds: the same decisions, with the effects assumed."""

from __future__ import annotations

from dataclasses import replace

from switchyard.core.next_step import Done, Step, Want, next_step
from switchyard.core.site import NOTHING, Site, Slot


def plan(want: Want, site: Site, *, singles: bool, oneshots: bool = True) -> list[Step]:
    """The steps in order. ``singles``, ``oneshots``: whether the wanted release has handover services and oneshots."""
    return [step for step, _ in walk(want, site, singles=singles, oneshots=oneshots)]


def walk(want: Want, site: Site, *, singles: bool, oneshots: bool = True) -> list[tuple[Step, Site]]:
    """The steps in order, each with the site that it begins from."""
    found: list[tuple[Step, Site]] = []
    while len(found) < 100:
        step = next_step(want, site)
        if isinstance(step, Done):
            return found
        found.append((step, site))
        site = _after(step, want, site, "none" if singles else "unused")
        if step.name == "build" and not oneshots:
            site = replace(site, stage="ran")
    raise AssertionError(f"no end to the plan from {site}")


def _after(step: Step, want: Want, site: Site, single: str) -> Site:
    stages = {"receive": "received", "build": "built", "oneshots": "ran"}
    if step.name in stages:
        return replace(site, stage=stages[step.name])
    if step.name == "shared":
        return replace(site, shared="healthy")
    if step.name == "edge":
        return replace(site, edge="current", proxy=site.map_file)
    if step.name == "smoke":
        return replace(site, smoke="ok")
    if step.name in ("look", "seen"):
        return replace(site, verdict="looked" if step.name == "look" else "ok")
    if step.name == "switch":
        colour = step.colour or NOTHING
        return replace(site, proxy=colour, map_file=colour)
    assert step.colour is not None
    slot = site.slot(step.colour)
    effects = {
        "retire": Slot(),
        "up": Slot(slot.release or want.release, "starting", slot.single if slot.release else single),
        "prove": replace(slot, front="healthy"),
        "stop_singletons": replace(slot, single="stopped"),
        "start_singletons": replace(slot, single="running"),
        "prove_singletons": replace(slot, single="healthy"),
        "cancel": replace(slot, front="stopped"),
    }
    return site.with_slot(step.colour, effects[step.name])
