"""The commands of each step of a plan. The host runs the same ones, with the ids that a plan cannot know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from switchyard.core import commands, edge, names
from switchyard.core.commands import Argv, Target
from switchyard.core.site import Site
from switchyard.core.steps import Step, StepName

UNKNOWN_IMAGE = "sha256:" + "0" * 64
"""Stands for the id of an image that does not exist yet. ``shown`` replaces it with a name."""


@dataclass(frozen=True)
class Start:
    """What a step begins from."""

    target: Target
    site: Site
    colour: str
    """The step's colour, or the idle one."""
    images: Collection[str]
    """The names of the images that the host has."""
    known: Collection[str]
    """The shared services that the host runs."""


Plan: TypeAlias = Callable[[Start], list[Argv]]


def planned(step: Step, target: Target, site: Site, *, images: Collection[str], known: Collection[str]) -> list[Argv]:
    """Return the commands of a step. One that only looks, or that finds everything in place, has none.

    ``images`` are the names of the images that the host has, ``known`` the shared services that it runs.
    """
    plan = PLANS.get(step.name)
    return plan(Start(target, site, step.colour or site.idle, images, known)) if plan is not None else []


def _build(start: Start) -> list[Argv]:
    target = start.target
    argvs: list[Argv] = []
    fetched: set[str] = set()
    for service, image in sorted(target.pulls.items()):
        if image.pin not in fetched:
            argvs += [commands.pull(image.pin)] if not image.is_here else []
            argvs += [commands.tag(UNKNOWN_IMAGE, image.name)] if not image.is_named else []
        fetched.add(image.pin)
        argvs.append(commands.tag(UNKNOWN_IMAGE, names.tag(target.app, service, target.release)))
    shared = {name for services in target.builds for name in services} & {*target.shared} & {*start.known}
    kept = tuple(sorted(shared))
    argvs += [commands.tag(UNKNOWN_IMAGE, names.tag(target.app, name, target.release)) for name in kept]
    return [*argvs, *commands.builds(replace(target, kept=kept))]


def _shared(start: Start) -> list[Argv]:
    target = start.target
    if not target.shared:
        return []
    tags = [names.tag(target.app, name, "shared") for name in target.shared if name not in start.known]
    return [*(commands.tag(UNKNOWN_IMAGE, tag) for tag in tags), commands.up_shared(target)]


def _edge(start: Start) -> list[Argv]:
    if start.site.proxy != "down":
        return []
    if start.site.edge != "absent":
        return [commands.up_edge(start.target)]
    pull = [commands.pull(edge.IMAGE)] if edge.IMAGE not in start.images else []
    tag = commands.tag(UNKNOWN_IMAGE, names.tag(start.target.app, "edge", "edge"))
    return [*pull, tag, commands.up_edge(start.target)]


def _oneshots(start: Start) -> list[Argv]:
    return [commands.oneshot(start.target, start.colour, service) for service in start.target.oneshots]


def _up(start: Start) -> list[Argv]:
    return [commands.up(start.target, start.colour, start.target.front)]


def _start_singletons(start: Start) -> list[Argv]:
    return [commands.up(start.target, start.colour, start.target.handover)]


def _smoke(start: Start) -> list[Argv]:
    return [list(start.target.smoke)] if start.target.smoke else []


def _switch(start: Start) -> list[Argv]:
    return [commands.live(start.colour)]


def _hold(start: Start) -> list[Argv]:
    return [commands.hold()]


def _release(start: Start) -> list[Argv]:
    return [commands.release()]


def _stop(start: Start) -> list[Argv]:
    return [commands.stop([commands.containers_of(start.colour)])]


def _retire(start: Start) -> list[Argv]:
    if start.colour not in names.COLOURS:
        return []
    slot = start.site.slot(start.colour)
    return _stop(start) if slot.front in ("starting", "healthy") or slot.runs_singletons else []


PLANS: Mapping[StepName, Plan] = {
    "build": _build,
    "shared": _shared,
    "edge": _edge,
    "oneshots": _oneshots,
    "retire": _retire,
    "up": _up,
    "smoke": _smoke,
    "hold": _hold,
    "switch": _switch,
    "release": _release,
    "stop_singletons": _stop,
    "start_singletons": _start_singletons,
}
"""The steps that run commands."""
