"""Whether a release reaches anything of this host that is not its own: judged by real paths, where they are."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from switchyard.core import names
from switchyard.core.compose_document import Document
from switchyard.core.host_reach import (
    Place,
    Reach,
    Source,
    reached_by_build,
    reached_by_keys,
    reached_paths,
    sources_of,
)
from switchyard.core.wire.message import Json
from switchyard.core.wire.release import Pack
from switchyard.core.wire.request import Waiver
from switchyard.host.adapters import engine
from switchyard.host.adapters.layout import Layout

EDGE = "/edge/cfg"
"""Where the edge of each application mounts its configuration from, below the application's root."""


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
        yield from reached_paths(sources, _real(sources), place_of(layout, app))


def _real(sources: Iterable[Source]) -> dict[str, str]:
    return {source.path: _real_path(source.path.replace("$$", "$")) for source in sources}


def place_of(layout: Layout, app: str) -> Place:
    """Return what this host is to an application."""
    root = _real_path(str(layout.root))
    roots = {*_beside(Path(root)), *_of_edges(app)} - {root}
    home = _real_path(pwd.getpwuid(os.getuid()).pw_dir)
    return Place(root, home, tuple(sorted(roots)), tuple(map(_real_path, engine.own_paths())))


def _beside(root: Path) -> Iterator[str]:
    """Yield the roots of other applications in the folder of this one's root."""
    for mark in root.parent.glob("*/layout"):
        if (mark.parent / "releases").is_dir():
            yield _real_path(str(mark.parent))


def _of_edges(app: str) -> Iterator[str]:
    """Yield the roots of other applications, as their edges mount them."""
    for container in engine.containers(names.APP, f"{names.KIND}=edge"):
        for mount in container.mounts:
            if container.app != app and mount.source.endswith(EDGE):
                yield _real_path(mount.source.removesuffix(EDGE))


def _real_path(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))
