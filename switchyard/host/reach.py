"""Whether a release reaches anything of this host that is not its own: judged by real paths, where they are."""

from __future__ import annotations

import os
import pwd
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from switchyard.core import names
from switchyard.core.compose_document import Document
from switchyard.core.errors import SwitchyardError
from switchyard.core.host_reach import (
    Reach,
    reached_by_build,
    reached_by_keys,
    reached_paths,
    sources_of,
)
from switchyard.core.wire.answers import Place
from switchyard.core.wire.message import Json
from switchyard.core.wire.release import Pack
from switchyard.core.wire.request import Waiver
from switchyard.host.adapters import engine
from switchyard.host.adapters.layout import Layout
from switchyard.host.adapters.store import Store

EDGE = "/edge/cfg"
"""Where the edge of each application mounts its configuration from, below the application's root."""
NOTHING_BUILT = Document.decode({})


def reaching(layout: Layout, app: str, pack: Pack, waivers: Iterable[Waiver]) -> Iterator[str]:
    """Yield why a release must not run here: it reaches beyond its own, and no waiver of the operator covers that."""
    allowed = tuple(waivers)
    reached: dict[Reach, None] = {}
    for value in (pack.shared, *pack.colours.values()):
        reached.update(dict.fromkeys(_reached(layout, app, value, pack.build)))
    yield from (each.refusal for each in reached if not each.is_waived(allowed))


def _reached(layout: Layout, app: str, value: Mapping[str, Json], building: Mapping[str, Json]) -> Iterator[Reach]:
    document, build = Document.decode(value), Document.decode(building)
    for service in document.services.values():
        yield from reached_by_keys(service)
    for service in build.services.values():
        yield from reached_by_build(service)
    sources = list(sources_of(document, build))
    if sources:
        yield from reached_paths(sources, {each.path: real_path(each.path) for each in sources}, place_of(layout, app))


def places_of(pack: Pack) -> dict[str, str]:
    """Return where each path of the host leads that services of a release mount."""
    documents = map(Document.decode, (pack.shared, pack.colours.get(names.COLOURS[0])))
    return {each.path: real_path(each.path) for document in documents for each in sources_of(document, NOTHING_BUILT)}


def require_own(store: Store, app: str, document: Document, services: Collection[str]) -> None:
    """Raise where a service that is about to start mounts what is not the application's, and did not before.

    Whoever writes to a folder may put a link in the way of a path below it, long after a release was admitted. A path
    that leads where it led when a release of this host was admitted stays admitted, by whatever waiver. Of paths that
    an older Switchyard admitted, only those below the application's root are judged.
    """
    places = [each for record in store.releases.readable_records() for each in record.places.items()]
    known, admitted = {path for path, _ in places}, {*places}
    real = {each.path: real_path(each.path) for each in sources_of(document, NOTHING_BUILT)}
    suspects = [
        each
        for each in sources_of(document, NOTHING_BUILT)
        if each.service in services
        and (each.path, real[each.path]) not in admitted
        and (each.path in known or Path(each.path).is_relative_to(store.root))
    ]
    reached = dict.fromkeys(reached_paths(suspects, real, place_of(store, app)) if suspects else ())
    if reached:
        raise SwitchyardError("\n".join(map(_describe_moved, reached)))


def _describe_moved(reach: Reach) -> str:
    return (
        f"service {reach.service} is not started: {reach.what}, which is not the application's and where it did not "
        "lead when its release was admitted. See who put a link there, put back what was there before, then run the "
        "command again"
    )


def place_of(layout: Layout, app: str) -> Place:
    """Return what this host is to an application."""
    root = real_path(str(layout.root))
    roots = {*_beside(Path(root)), *_of_edges(app)} - {root}
    home = real_path(pwd.getpwuid(os.getuid()).pw_dir)
    return Place(root, home, tuple(sorted(roots)), tuple(map(real_path, engine.own_paths())))


def _beside(root: Path) -> Iterator[str]:
    """Yield the roots of other applications in the folder of this one's root."""
    for mark in root.parent.glob("*/layout"):
        if (mark.parent / "releases").is_dir():
            yield real_path(str(mark.parent))


def _of_edges(app: str) -> Iterator[str]:
    """Yield the roots of other applications, as their edges mount them."""
    for container in engine.containers(names.APP, f"{names.KIND}=edge"):
        for mount in container.mounts:
            if container.app != app and mount.source.endswith(EDGE):
                yield real_path(mount.source.removesuffix(EDGE))


def real_path(path: str) -> str:
    """Return where a path leads, links followed; ``~`` is the home of the user who deploys."""
    return os.path.realpath(os.path.expanduser(path))
