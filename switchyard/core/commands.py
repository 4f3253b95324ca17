"""The commands that change a host, step by step: what a plan prints is what the host runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from switchyard.core import edge, names
from switchyard.core.site import Site
from switchyard.core.steps import Step

Argv = list[str]
UNKNOWN_IMAGE = "sha256:" + "0" * 64
"""What stands in a plan for the id of an image, which nobody knows before; ``shown`` leaves it as a name."""


@dataclass(frozen=True)
class Target:
    """One release on one host, as far as commands name it."""

    app: str
    root: str
    release: str
    builds: bool = False
    """Whether any image is built."""
    pulls: Mapping[str, str] = field(default_factory=dict)
    """Service to the image that it names."""
    shared: tuple[str, ...] = ()
    oneshots: tuple[str, ...] = ()
    front: tuple[str, ...] = ()
    handover: tuple[str, ...] = ()
    smoke: tuple[str, ...] = ()
    scales: Mapping[str, int] = field(default_factory=dict)

    def document(self, name: str) -> str:
        """The path of one of the release's documents: a colour, shared or build."""
        return f"{self.root}/releases/{self.release}/{name}.json"


def compose(project: str, document: str, *words: str) -> Argv:
    """One Compose command."""
    return ["docker", "compose", "-p", project, "-f", document, *words]


def build(target: Target) -> Argv:
    """Builds every image of the release."""
    return compose(f"{target.app}-build", target.document("build"), "build")


def pull(image: str) -> Argv:
    """Fetches an image that is not here."""
    return ["docker", "pull", "--quiet", image]


def tag(image: str, name: str) -> Argv:
    """Gives an image a name that keeps it."""
    return ["docker", "tag", image, name]


def up_shared(target: Target) -> Argv:
    """The shared project, without touching what runs."""
    project = names.project(target.app, "shared")
    return compose(project, f"{target.root}/shared/compose.json", "up", "-d", "--no-recreate", *target.shared)


def up_edge(target: Target) -> Argv:
    """The edge, where it does not run."""
    return compose(names.project(target.app, "edge"), f"{target.root}/edge/compose.json", "up", "-d", "--no-recreate")


def oneshot(target: Target, colour: str, service: str) -> Argv:
    """One oneshot in a container of its own, under a name that a later attempt can find."""
    name = f"{target.app}-{service}-{target.release}"
    words = ("run", "-T", "--no-deps", "--rm", "--name", name, service)
    return compose(names.project(target.app, colour), target.document(colour), *words)


def up(target: Target, colour: str, services: Iterable[str]) -> Argv:
    """Services of a colour without their dependencies, each with as many containers as were asked for."""
    wanted = list(services)
    scaling = [
        word for name in wanted if name in target.scales for word in ("--scale", f"{name}={target.scales[name]}")
    ]
    words = ("up", "-d", "--no-deps", "--no-build", *scaling, *wanted)
    return compose(names.project(target.app, colour), target.document(colour), *words)


def stop(containers: Iterable[str]) -> Argv:
    """Asks containers to stop, each with its own grace period."""
    return ["docker", "stop", *containers]


def containers_of(colour: str) -> str:
    """What stands for the ids of a colour's containers, which nobody knows before."""
    return f"<containers of {colour}>"


def live(colour: str) -> Argv:
    """The words by which the running edge is switched."""
    return ["set", "map", f"{edge.HOME}/maps/live.map", "live", colour]


def planned(step: Step, target: Target, site: Site, *, images: Collection[str], known: Collection[str]) -> list[Argv]:
    """The commands of a step from a site. ``images`` are here already; ``known`` shared services run already."""
    app, colour = target.app, step.colour or site.idle
    slot = site.slot(colour) if colour in names.COLOURS else None
    if step.name == "build":
        found = [build(target)] if target.builds else []
        for service, image in target.pulls.items():
            found += [pull(image)] if image not in images else []
            found.append(tag(UNKNOWN_IMAGE, names.tag(app, service, target.release)))
        return found
    if step.name == "shared" and target.shared:
        fresh = [name for name in target.shared if name not in known]
        return [*(tag(UNKNOWN_IMAGE, names.tag(app, name, "shared")) for name in fresh), up_shared(target)]
    if step.name == "edge" and site.proxy == "down":
        first = [tag(UNKNOWN_IMAGE, names.tag(app, "edge", "edge"))] if site.edge == "absent" else []
        missing = [pull(edge.IMAGE)] if first and edge.IMAGE not in images else []
        return [*missing, *first, up_edge(target)]
    if step.name == "oneshots":
        return [oneshot(target, colour, service) for service in target.oneshots]
    if step.name == "up":
        return [up(target, colour, target.front)]
    if step.name == "start_singletons":
        return [up(target, colour, target.handover)]
    if step.name == "smoke" and target.smoke:
        return [list(target.smoke)]
    if step.name == "switch":
        return [live(colour)]
    if step.name == "retire" and slot and (slot.front in ("starting", "healthy") or slot.runs_singletons):
        return [stop([containers_of(colour)])]
    if step.name == "stop_singletons":
        return [stop([containers_of(colour)])]
    return []


def shown(argv: Sequence[str], release: str) -> str:
    """A command as one line, with a release's id and images' ids left as names."""
    text = " ".join(argv)
    return re.sub(r"sha256:[0-9a-f]{64}", "IMAGE", text.replace(release, "RELEASE") if release else text)


def digest(steps: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A short hash of steps with their commands."""
    text = json.dumps([[step, list(commands)] for step, commands in steps])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
