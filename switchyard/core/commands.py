"""The commands that change a host. A plan prints the same commands that the host runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from switchyard.core import edge, edge_hold, names

Argv = list[str]


class Fetch(NamedTuple):
    """An image that a release does not build."""

    name: str
    """As the compose file gives it."""
    pin: str
    """Its name by digest, or its id."""
    is_here: bool = True
    is_named: bool = True
    """Whether the name leads to it already, or does not follow it."""


@dataclass(frozen=True)
class Target:
    """What commands need to know of one release on one host."""

    app: str
    root: str
    release: str
    builds: tuple[tuple[str, ...], ...] = ()
    """The services whose images the host builds, those first whose images others start from."""
    kept: tuple[str, ...] = ()
    """Those of them that are shared and run already: a deploy does not build them again."""
    pulls: Mapping[str, Fetch] = field(default_factory=dict)
    """Service to its image, where no build makes it."""
    shared: tuple[str, ...] = ()
    oneshots: tuple[str, ...] = ()
    front: tuple[str, ...] = ()
    handover: tuple[str, ...] = ()
    smoke: tuple[str, ...] = ()
    scales: Mapping[str, int] = field(default_factory=dict)

    def document(self, name: str) -> str:
        """Return the path of one of the release's documents: a colour, ``shared`` or ``build``."""
        return f"{self.root}/releases/{self.release}/{name}.json"


def compose(project: str, document: str, *words: str) -> Argv:
    """Return a Compose command. ``words`` are the subcommand and its options."""
    return ["docker", "compose", "-p", project, "-f", document, *words]


def builds(target: Target) -> list[Argv]:
    """Build every image of the release, one command for those that may be built side by side."""
    project, document = names.project(target.app, "build"), target.document("build")
    stages = [[name for name in services if name not in target.kept] for services in target.builds]
    if len(stages) == 1 and not target.kept:
        return [compose(project, document, "build")]
    return [compose(project, document, "build", *services) for services in stages if services]


def pull(image: str) -> Argv:
    """Fetch an image that the host lacks."""
    return ["docker", "pull", "--quiet", image]


def tag(image: str, name: str) -> Argv:
    """Give an image a name, so that pruning keeps it."""
    return ["docker", "tag", image, name]


def up_shared(target: Target) -> Argv:
    """Start the shared project's services that do not run yet. Those that run stay as they are."""
    project = names.project(target.app, "shared")
    return compose(project, f"{target.root}/shared/compose.json", "up", "-d", "--no-recreate", *target.shared)


def up_edge(target: Target) -> Argv:
    """Start the edge if it does not run."""
    return compose(names.project(target.app, "edge"), f"{target.root}/edge/compose.json", "up", "-d", "--no-recreate")


def oneshot(target: Target, colour: str, service: str) -> Argv:
    """Run a oneshot in a container of its own, under a name that a later attempt can find."""
    project = names.project(target.app, colour)
    words = ("run", "-T", "--no-deps", "--rm", "--name", f"{project}-{service}-{target.release}", service)
    return compose(project, target.document(colour), *words)


def up(target: Target, colour: str, services: Iterable[str]) -> Argv:
    """Start services of a colour without their dependencies, each with the number of containers that was set for it."""
    started = list(services)
    scaling = [
        word for name in started if name in target.scales for word in ("--scale", f"{name}={target.scales[name]}")
    ]
    words = ("up", "-d", "--no-deps", "--no-build", *scaling, *started)
    return compose(names.project(target.app, colour), target.document(colour), *words)


def stop(containers: Iterable[str]) -> Argv:
    """Stop containers, each within its own grace period."""
    return ["docker", "stop", *containers]


def resume(containers: Iterable[str]) -> Argv:
    """Let paused containers go on."""
    return ["docker", "unpause", *containers]


def containers_of(colour: str) -> str:
    """Return what stands in a plan for the ids of a colour's containers, which nobody knows before."""
    return f"<containers of {colour}>"


def live(colour: str) -> Argv:
    """Return the command of HAProxy's runtime API that switches traffic to a colour."""
    return ["set", "map", f"{edge.HOME}/maps/live.map", "live", colour]


def hold() -> Argv:
    """Return the command of HAProxy's runtime API that lets requests to exclusive services wait."""
    return ["add", "map", f"{edge.HOME}/maps/{edge_hold.MAP}.map", edge_hold.UNTIL, "<second of its end>"]


def release() -> Argv:
    """Return the command of HAProxy's runtime API that lets them go on."""
    return ["del", "map", f"{edge.HOME}/maps/{edge_hold.MAP}.map", edge_hold.UNTIL]


def shown(argv: Sequence[str], release: str) -> str:
    """Return a command as one line, with names in place of the release's id and of images' ids."""
    text = " ".join(argv)
    return re.sub(r"sha256:[0-9a-f]{64}", "IMAGE", text.replace(release, "RELEASE") if release else text)


def digest(steps: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return a short hash of steps with their commands."""
    text = json.dumps([[step, list(commands)] for step, commands in steps])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
