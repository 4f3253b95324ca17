"""Who else is on this host: other Compose projects, containers that mount our state, and holders of ports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from switchyard.core import names
from switchyard.core.compose_document import Document
from switchyard.core.errors import refuse
from switchyard.core.wire.facts import PlainContainer
from switchyard.core.wire.release import Contents
from switchyard.host.adapters import engine, kernel
from switchyard.host.adapters.container import PROJECT, Container


def plain_containers() -> tuple[PlainContainer, ...]:
    """Return the containers of Compose projects that are not Switchyard's."""
    return tuple(
        PlainContainer(container.project, container.service, container.state, container.folder)
        for container in engine.containers(PROJECT)
        if container.app is None
    )


def strangers(containers: Iterable[Container], app: str, document: Document) -> list[tuple[str, str]]:
    """Return the running containers beside a document's own that can write to its state.

    They are those outside the application, and those of a colour whose service the document runs too: a service that
    becomes shared. Each comes with what it mounts, as a person calls it.
    """
    return [
        (container.name, state)
        for container, state in _writers(containers, document)
        if container.app != app or (container.is_of_colour and container.service in document.services)
    ]


def shared_twins(app: str, colour: Document) -> list[str]:
    """Return why a colour must not start: the shared project runs one of its services, on the same state."""
    containers = engine.containers(f"{names.APP}={app}") if colour.services else []
    return [
        f"{container.service} runs as a shared service, and this release would run a second one on the same {state}. "
        f"Keep it shared (app.kinds.{container.service}: shared), or remove it there first with inv shared.apply"
        for container, state in _writers(containers, colour)
        if container.is_of_shared_project and container.service in colour.services
    ]


def exclusive_twins(live: Contents | None, release: Contents) -> list[str]:
    """Return why a release must not start: what it runs alone runs side by side in the live one, until that leaves."""
    return [
        f"{name} is exclusive in {release.id}, and {live.id} runs it as {live.kinds[name]}: until traffic has left "
        f"that one, two would run. Deploy once without it (app.kinds.{name}: ignored), and then as exclusive"
        for name in release.exclusive
        if live is not None and name in live.front
    ]


def _writers(containers: Iterable[Container], document: Document) -> Iterator[tuple[Container, str]]:
    """Yield the running containers that can write to the state of a document, with what they mount."""
    state = state_of(document)
    for container in containers:
        for mount in container.mounts:
            source = mount.volume or _real_path(mount.source)
            if container.is_running and mount.is_writable and source in state:
                yield container, state[source]


def state_of(document: Document) -> dict[str, str]:
    """Return the volumes of a document and the folders that its services may write to, as a person calls them.

    A folder that services only read, or a file such as the engine's socket, is used by many without harm.
    """
    volumes = [volume.name or key for key, volume in document.volumes.items()]
    folders = [
        _real_path(mount.source)
        for service in document.services.values()
        for mount in service.mounts
        if mount.type == "bind" and not mount.read_only and not _is_file(mount.source)
    ]
    return {name: f"volume {name}" for name in volumes} | {name: f"folder {name}" for name in folders}


def refuse_strangers(app: str, document: Document) -> None:
    """Refuse to start a shared service while anyone else mounts what it writes to."""
    refuse(strange_mounts(app, document))


def strange_mounts(app: str, document: Document) -> list[str]:
    """Return why a shared service must not start: somebody else mounts what it writes to.

    Two servers on one directory do not notice each other, and ruin it.
    """
    mounts = [
        f"{state} is mounted by running container {container}"
        for container, state in strangers(engine.containers(), app, document)
    ]
    return [f"{'; '.join(mounts)}. Stop it first, or two servers write to one place"] if mounts else []


def listening() -> dict[str, str]:
    """Return the TCP ports of this host that something listens on, each with its holder."""
    holders = {str(port): "a process of this host" for port in kernel.listening_ports()}
    for container in engine.containers():
        holder = f"{container.app}'s edge" if container.app else f"container {container.name}"
        holders.update({str(port): holder for port in container.ports})
    return holders


def _is_file(path: str) -> bool:
    return os.path.exists(_real_path(path)) and not os.path.isdir(_real_path(path))


def _real_path(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))
