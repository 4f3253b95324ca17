"""The steps of every verb: name, phrase and assumed effect. The host program holds the act of each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

from switchyard.core.site import NOTHING, Site, Slot

StepName: TypeAlias = Literal[
    "receive",
    "build",
    "shared",
    "edge",
    "oneshots",
    "retire",
    "up",
    "prove",
    "smoke",
    "hold",
    "switch",
    "stop_singletons",
    "start_singletons",
    "prove_singletons",
    "release",
    "look",
    "seen",
    "cancel",
    "standby",
    "restart",
    "scale",
    "apply_shared",
    "apply_edge",
]


@dataclass(frozen=True)
class Step:
    """One act on one machine. The host program journals it before and after, and may repeat it."""

    name: StepName
    colour: str | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.colour}" if self.colour else self.name


class Assumed(NamedTuple):
    """What a plan assumes of the release that it brings up."""

    release: str
    single: str
    """The state of its singletons before they start: ``none``, or ``unused`` where it has none."""
    exclusive: bool = False
    """Whether it has exclusive services."""


Effect: TypeAlias = Callable[[Site, Step, Assumed], Site]
"""The site after a step that succeeded."""
SlotEffect: TypeAlias = Callable[[Slot, Assumed], Slot]


class StepKind(NamedTuple):
    """One row of the table of steps."""

    phrase: str
    """What a person reads while the step runs; its colour follows."""
    effect: Effect


def _site(change: Callable[[Site], Site]) -> Effect:
    """Return the effect of a step that concerns no colour."""
    return lambda site, step, assumed: change(site)


def _slot(change: SlotEffect) -> Effect:
    """Return the effect of a step on the slot of its own colour."""

    def effect(site: Site, step: Step, assumed: Assumed) -> Site:
        assert step.colour is not None
        return site.with_slot(step.colour, change(site.slot(step.colour), assumed))

    return effect


def _fill(slot: Slot, assumed: Assumed) -> Slot:
    if slot.release is None:
        return Slot(assumed.release, "starting", assumed.single, assumed.exclusive)
    return replace(slot, front="starting")


def _move(site: Site, step: Step, assumed: Assumed) -> Site:
    """Return the site after a switch. What the edge held goes on, unless it would find nobody."""
    colour = step.colour or NOTHING
    slot = site.slot(colour) if colour != NOTHING else Slot()
    site = replace(site, proxy=colour, map_file=colour, hold=hold_after_switch(site, colour))
    if not slot.exclusive or slot.single != "healthy":
        return site
    return site.with_slot(colour, replace(slot, single="running"))  # what is no exclusive service is not proven yet


def hold_after_switch(site: Site, colour: str) -> str:
    """Return whether the edge still holds requests once traffic went to a colour, or to none."""
    keeps = colour != NOTHING and site.slot(colour).lacks_singletons
    return site.hold if keeps else "off"


STEPS: Mapping[StepName, StepKind] = {
    "receive": StepKind("receiving the release", _site(lambda site: replace(site, stage="received"))),
    "build": StepKind("building images", _site(lambda site: replace(site, stage="built"))),
    "shared": StepKind("shared services", _site(lambda site: replace(site, shared="healthy"))),
    "edge": StepKind("the edge", _site(lambda site: replace(site, edge="current", proxy=site.map_file))),
    "oneshots": StepKind("oneshots", _site(lambda site: replace(site, stage="ran"))),
    "retire": StepKind("retiring the old colour", _slot(lambda slot, assumed: Slot())),
    "up": StepKind("starting", _slot(_fill)),
    "prove": StepKind("proving healthy", _slot(lambda slot, assumed: replace(slot, front="healthy"))),
    "smoke": StepKind("smoke through the preview", _site(lambda site: replace(site, smoke="ok"))),
    "hold": StepKind("holding requests to", _site(lambda site: replace(site, hold="on"))),
    "switch": StepKind("switching traffic", _move),
    "stop_singletons": StepKind("stopping singletons", _slot(lambda slot, assumed: replace(slot, single="stopped"))),
    "start_singletons": StepKind("starting singletons", _slot(lambda slot, assumed: replace(slot, single="running"))),
    "prove_singletons": StepKind("proving singletons", _slot(lambda slot, assumed: replace(slot, single="healthy"))),
    "release": StepKind("letting requests through", _site(lambda site: replace(site, hold="off"))),
    "look": StepKind("looking through the edge", _site(lambda site: replace(site, verdict="looked"))),
    "seen": StepKind("looking from here", _site(lambda site: replace(site, verdict="ok"))),
    "cancel": StepKind("taking the new colour down", _slot(lambda slot, assumed: replace(slot, front="stopped"))),
    "standby": StepKind("ending the standby of", _slot(lambda slot, assumed: replace(slot, front="stopped"))),
    "restart": StepKind("restarting", _site(lambda site: site)),
    "scale": StepKind("scaling", _site(lambda site: site)),
    "apply_shared": StepKind("the changed shared services", _site(lambda site: site)),
    "apply_edge": StepKind("the edge's new addresses", _site(lambda site: site)),
}
"""Every step by its name in plans, journals and receipts."""
STEP_NAMES = tuple(STEPS)
SWITCHING = ("deploy", "rollback")
"""The verbs that move traffic."""
TOUCHES_LIVE = frozenset[StepName]({"hold", "switch", "restart", "scale", "apply_shared", "apply_edge"})
"""The steps from whose beginning on nobody may say that nothing live changed, and no cancel is heard."""
