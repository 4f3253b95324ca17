"""Decide what to do next on one machine: one pure function, total over every site, wrecks included.

``violations`` states the invariants, and tests assert them after every step:

1. No step stops or replaces anything of the live slot, except its singletons in a handover. Only the switch changes
   which slot is live, and only to one that is proven healthy, or to none where nothing is left to go back to.
2. A singleton never runs in two colours.
3. An exclusive service of the live slot stops only while the edge holds its requests, and they go on only to one that
   runs, unless none does.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchyard.core.names import other
from switchyard.core.site import NOTHING, Site, Slot
from switchyard.core.steps import Step


@dataclass(frozen=True)
class Want:
    """The goal of one verb."""

    verb: str
    """deploy, rollback, or repair: prove the release that is live whole, and start what is missing of it."""
    release: str
    phase: str = "switch"
    """How far the verb may go now: prepare or switch."""


WHILE_HELD = ("edge", "stop_singletons", "start_singletons", "prove_singletons", "switch")
"""The steps of a handover. Requests that the edge holds do not wait for any other."""


@dataclass(frozen=True)
class Done:
    """Nothing is left to do. The outcome is prepared, live, failed, taken back, held or missing."""

    outcome: str


def next_step(want: Want, site: Site) -> Step | Done:
    """Return the next act towards the goal, decided from the site alone."""
    step = _towards(want, site)
    is_handover = isinstance(step, Step) and step.name in WHILE_HELD
    return step if site.hold == "off" or is_handover else _let_through(site)


def _towards(want: Want, site: Site) -> Step | Done:
    """Return the next act towards the goal, whether or not requests wait meanwhile."""
    unfinished = _unfinished(want, site)
    if unfinished is not None:
        return unfinished
    home = site.holder(want.release)
    if site.live != NOTHING and home == site.live:
        return _finish(want, site, site.live)
    if want.verb == "repair":
        return Done("held")
    if site.verdict == "wrong" or (home is not None and site.slot(home).single == "failed"):
        return _leave(want, site)
    return _prepare(want, site)


def _unfinished(want: Want, site: Site) -> Step | None:
    """Return the step that finishes what a killed attempt left half done. It comes first, whatever the goal."""
    if site.edge == "absent" and site.map_file != NOTHING and site.proxy == "down":
        return Step("edge")
    if site.edge != "absent" and site.proxy == "down":
        return Step("edge")
    if site.proxy not in ("down", site.map_file):
        target = site.map_file if _may_serve(site, site.map_file) else site.proxy
        return Step("switch", target)
    if site.live != NOTHING and site.slot(site.idle).runs_singletons and site.slot(site.live).runs_singletons:
        return Step("stop_singletons", site.idle)
    if want.verb == "deploy" and _lost_singletons(want, site):
        return Step("start_singletons", site.live)
    return None


def _lost_singletons(want: Want, site: Site) -> bool:
    """Return whether an attempt died between the stop and the start of the live release's singletons."""
    if site.live == NOTHING or site.shared == "absent" or site.slot(site.idle).runs_singletons or site.hold == "on":
        return False
    slot = site.slot(site.live)
    return slot.release not in (None, want.release) and slot.lacks_singletons


def _may_serve(site: Site, colour: str) -> bool:
    return colour != NOTHING and site.slot(colour).is_proven


def _finish(want: Want, site: Site, live: str) -> Step | Done:
    """Return what is left once the wanted release is live: make it whole, look, or go back.

    Only a deploy goes back. The others start and prove whatever they can before they give up, to name all that is bad.
    """
    bad = site.verdict == "wrong" or "failed" in (site.slot(live).front, site.slot(live).single)
    if bad and want.verb == "deploy":
        return _way_back(site, live)
    step = _make_whole(want, site, live)
    if step is not None:
        return step
    if bad or site.shared == "failed":
        return Done("held")
    if site.verdict == "unknown":
        return Step("look")
    if site.verdict == "looked":
        return Step("seen")
    return Done("live")


def _make_whole(want: Want, site: Site, live: str) -> Step | None:
    """Return the next step that starts what is missing of the live release, moves the singletons, or proves it.

    A repair also proves shared services that run. None where all of it is proven, or has failed.
    """
    slot = site.slot(live)
    if site.shared == "absent":
        return Step("shared")
    if slot.lacks_front:
        return Step("up", live)
    if slot.lacks_singletons or site.slot(other(live)).runs_singletons:
        return _singletons(site, live)
    if want.verb == "repair" and site.shared == "running":
        return Step("shared")
    if slot.front == "starting":
        return Step("prove", live)
    return _singletons(site, live)


def _singletons(site: Site, home: str) -> Step | None:
    """Return the next step of the handover to a colour: stop the other colour's singletons, start its own, prove them.

    None where the colour's singletons are proven and no others run.
    """
    if site.slot(other(home)).runs_singletons:
        return Step("stop_singletons", other(home))
    if site.slot(home).lacks_singletons:
        return Step("start_singletons", home)
    if site.slot(home).single == "running":
        return Step("prove_singletons", home)
    return None


def _way_back(site: Site, live: str) -> Step | Done:
    """Return the next step towards the release before; to none where there is no release to go back to."""
    back = other(live)
    slot = site.slot(back)
    if slot.release in (None, site.slot(live).release) or slot.front in ("none", "failed"):
        return Step("switch", NOTHING)
    if slot.front == "stopped":
        return Step("up", back)
    if slot.front == "starting":
        return Step("prove", back)
    return _move(site, back)


def _move(site: Site, colour: str) -> Step:
    """Return the next step of moving traffic to a colour that is proven. Its exclusive services come there before it.

    From the hold on requests wait for them.
    """
    if site.slot(colour).exclusive:
        if site.hold == "off" and site.live != NOTHING:
            return Step("hold", site.live)
        handover = _singletons(site, colour)
        if handover is not None:
            return handover
    return Step("switch", colour)


def _let_through(site: Site) -> Step:
    """Return the next step towards letting requests through: what they are for runs where traffic goes, or cannot."""
    return _singletons_of_live(site) or Step("release")


def _singletons_of_live(site: Site) -> Step | None:
    """Return the next step of the handover to the live release; None where it is done or cannot succeed."""
    if site.live == NOTHING or site.slot(site.live).release is None or site.slot(site.live).single == "failed":
        return None
    return _singletons(site, site.live)


def _leave(want: Want, site: Site) -> Step | Done:
    """Return what is left once traffic has left the bad release.

    First its singletons stop, then those of the live release run again, and then the rest of the bad release stops.
    """
    home = site.holder(want.release)
    if home is not None and site.slot(home).runs_singletons:
        return Step("stop_singletons", home)
    handover = _singletons_of_live(site)
    if handover is not None:
        return handover
    if home is not None and site.slot(home).front in ("starting", "healthy"):
        return Step("cancel", home)
    return Done("taken back")


def _prepare(want: Want, site: Site) -> Step | Done:
    """Return the next step of bringing the wanted release up beside the live one, proving it, and switching."""
    stage = _stage(want, site)
    if stage is not None:
        return stage
    idle = site.holder(want.release) or site.idle
    slot = site.slot(idle)
    if slot.release not in (None, want.release):
        return Step("retire", idle)
    if slot.front == "failed" or (want.verb == "deploy" and site.smoke == "failed"):
        return Done("failed")
    if slot.front in ("none", "stopped"):
        return Step("up", idle)
    if slot.front == "starting":
        return Step("prove", idle)
    if want.verb == "deploy" and site.smoke == "unknown":
        return Step("smoke", idle)
    return Done("prepared") if want.phase == "prepare" else _move(site, idle)


def _stage(want: Want, site: Site) -> Step | Done | None:
    """Return the next step before anything of the release starts; None where all of them are done."""
    if want.verb == "rollback":
        if site.stage in ("absent", "received"):
            return Done("missing")
    elif site.stage == "absent":
        return Step("receive")
    elif site.stage == "received":
        return Step("build")
    elif site.stage == "broken":
        return Done("failed")
    if site.shared == "absent":
        return Step("shared")
    if site.edge != "current":
        return Step("edge")
    if want.verb == "deploy" and site.stage == "built":
        return Step("oneshots")
    return None


def violations(before: Site, step: Step, after: Site) -> list[str]:
    """Return the invariants that a step broke, as sentences."""
    broken = []
    if (
        after.blue.runs_singletons
        and after.green.runs_singletons
        and not (before.blue.runs_singletons and before.green.runs_singletons)
    ):
        broken.append("a singleton runs in two colours")
    if after.live != before.live:
        if step.name != "switch":
            broken.append(f"{step} changed which slot is live")
        elif after.live != NOTHING and not _may_go_live(before.slot(after.live)):
            broken.append(f"{step} made a slot live that is not proven healthy")
    live = before.live
    if live != NOTHING and after.live == live:
        if after.slot(live).release != before.slot(live).release:
            broken.append(f"{step} replaced the live release")
        if before.slot(live).front in ("starting", "healthy") and after.slot(live).front in ("none", "stopped"):
            broken.append(f"{step} stopped the live slot")
        stops = before.slot(live).runs_singletons and not after.slot(live).runs_singletons
        if stops and before.slot(live).exclusive and before.hold == "off":
            broken.append(f"{step} stopped exclusive services of the live slot, and the edge holds no requests")
    if after.live != NOTHING and (before.hold, after.hold) == ("on", "off"):
        slot = after.slot(after.live)
        if slot.exclusive and slot.release is not None and slot.lacks_singletons:
            broken.append(f"{step} let requests through to exclusive services that do not run")
    return broken


def _may_go_live(slot: Slot) -> bool:
    """Return whether a slot is proven. One whose exclusive services fail may still serve the rest on a way back."""
    return slot.front == "healthy" and (slot.is_proven or slot.single == "failed")
