"""Whose the objects are that a release uses or makes on this host, and which names of two applications meet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from switchyard.core import names
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store

PARTS = (*names.COLOURS, "shared", "edge")
"""The parts of an application that have containers."""


def objects_of_others(store: Store, request: Request, volumes: Iterable[str], services: Iterable[str]) -> Iterator[str]:
    """Yield why a release must not use what is here: a volume, network or container that is not its application's."""
    yield from store.ledger.reasons(request, volumes)
    yield from _networks_of_others(request.app)
    yield from _containers_of_others(request.app, services)


def _networks_of_others(app: str) -> Iterator[str]:
    """Yield networks that have the name of a colour's. No version made one without its label."""
    own = [names.network(app, colour) for colour in names.COLOURS]
    for network in engine.networks():
        if network.name in own and network.app != app:
            yield (
                f"network {network.name} is {_owner(network.app)}, and {app} needs one of this name of its own. "
                + _way_out(network.app, f"docker network rm {network.name}", "this application (app.name)")
            )


def _containers_of_others(app: str, services: Iterable[str]) -> Iterator[str]:
    """Yield containers that Compose would take for those of a service, or whose name it would give to one."""
    own = tuple(dict.fromkeys(services))
    projects = [names.project(app, part) for part in PARTS]
    container_names = re.compile(f"(?:{'|'.join(map(re.escape, projects))})-(?:{'|'.join(map(re.escape, own))})-[0-9]+")
    for container in engine.containers() if own else ():
        is_in_place = container.project in projects and container.service in own
        if container.app != app and (is_in_place or container_names.fullmatch(container.name)):
            yield (
                f"container {container.name} is {_owner(container.app)}, and stands where {app} runs "
                f"{container.service if is_in_place else 'a container of that name'}. "
                + _way_out(container.app, f"docker rm -f {container.name}", "the service")
            )


def _owner(app: str | None) -> str:
    return f"the application {app}'s" if app else "not Switchyard's"


def _way_out(app: str | None, removal: str, subject: str) -> str:
    """Return what to do. Nothing of another application is removed."""
    renaming = f"another name for {subject}"
    return f"Choose {renaming}" if app else f"Remove it if nobody needs it ({removal}), or choose {renaming}"


def names_of_others(store: Store, app: str, volumes: Iterable[str]) -> Iterator[str]:
    """Yield why an application must not make what it needs: another one of this host has, or would give, such names."""
    others = {network.app for network in engine.networks()} | {each.app for each in engine.containers(names.APP)}
    known = sorted(name for name in others - {None, app} if name is not None)
    for name in volumes:
        owner = names.owner_of_volume(name, app, known)
        if owner != app and not engine.has_volume(name):
            yield (
                f"volume {name} of {app} would have the name of a volume of the application {owner}, which is on this "
                "host too. Give it another name under volumes in the compose file"
            )
    yield from _roots_of_others(store, app)
    if not _is_new(store):
        return
    for other in known:
        if names.meet(app, other):
            yield (
                f"containers of {app} and of the application {other}, which is on this host too, could have one name. "
                "Give this one another: app.name"
            )


def _is_new(store: Store) -> bool:
    """Return whether nothing was live yet. What an older version let in stays usable."""
    return all(record.since is None for record in store.releases.readable_records())


def _roots_of_others(store: Store, app: str) -> Iterator[str]:
    """Yield that the application's root holds another one, or lies in another's."""
    owners = {record.name for record in store.releases.readable_records()} - {app}
    for owner in sorted(owners):
        yield f"{store.root} holds releases of the application {owner}. Give {app} a root of its own: hosts.NAME.root"
    if owners or not _is_new(store):
        return
    from switchyard.host.reach import place_of  # a rollback does not need it

    root = Path(store.root).resolve()
    for path in map(Path, place_of(store, app).others):
        if root.is_relative_to(path) or path.is_relative_to(root):
            yield f"{root} and {path}, the root of another application, lie in each other. Set hosts.NAME.root"
