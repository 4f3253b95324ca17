"""Anonymous volumes, of images and of the file: named by the settings, so that every release mounts the same one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from switchyard.core.app import App
from switchyard.core.compose_document import Document, Service, volumes_of
from switchyard.core.split.inputs import Inputs
from switchyard.core.state_keeping import DISCARD, VOLUME, hidden_code, lost_content, unnamed_volumes
from switchyard.core.wire.message import Json


def with_named_volumes(document: Document, app: App) -> Document:
    """Return the document with a mount for each volume of an image that ``app.data`` names as ``SERVICE:/PATH``."""
    services: dict[str, Json] = {name: service.raw for name, service in document.services.items()}
    volumes: dict[str, Json] = {}
    for name, targets in named_targets(app).items():
        if name not in document.services:
            continue
        mounts = [_mount(name, target, place) for target, place in targets.items() if place != DISCARD]
        volumes.update({_volume(name, target): {} for target, place in targets.items() if place == VOLUME})
        service = document.services[name]
        kept = [mount.raw for mount in service.mounts if mount.source or mount.target not in targets]
        services[name] = {**service.raw, "volumes": [*kept, *mounts]}
    if not named_targets(app):
        return document
    volumes = {**volumes_of(document.raw), **volumes}
    return Document.decode({**document.raw, "services": services, "volumes": volumes})


def named_targets(app: App) -> dict[str, dict[str, str]]:
    """Return the places that the settings give to volumes of images: service to path in the container to place."""
    places: dict[str, dict[str, str]] = {}
    for key, place in app.data.items():
        service, sign, target = key.partition(":/")
        if sign:
            places.setdefault(service, {})[posixpath.normpath(f"/{target}")] = place
    return places


def volume_problems(inputs: Inputs) -> Iterator[str]:
    """Yield a problem for each volume that would begin empty with every release, and for each slip in its setting."""
    for service in inputs.in_colours().values():
        if inputs.kind(service).stays_up_in_colour:
            for target in unnamed_volumes(service, inputs.app, inputs.facts):
                yield f"service {service.name}: {lost_content(service.name, target)}"
    for name, targets in named_targets(inputs.app).items():
        for target, place in targets.items():
            yield from _slips(inputs.services.get(name), f"app.data.{name}:{target}", target, place)


def volume_notes(inputs: Inputs) -> Iterator[str]:
    """Yield what becomes of anonymous volumes that nobody has to name."""
    for name, targets in named_targets(inputs.app).items():
        for target, place in targets.items():
            if place == DISCARD:
                yield f"{name}: {target} begins empty with every release (app.data)"
    for service in inputs.in_colours().values():
        for target in hidden_code(service):
            yield f"{service.name}: the anonymous volume {target} hides a part of the mount above it, and begins anew"
    for service in inputs.shared().values():
        for target in unnamed_volumes(service, inputs.app, inputs.facts):
            yield (
                f"{service.name}: {target} is an anonymous volume and lasts only as long as its container. Keep it: "
                f'app: {{data: {{"{service.name}:{target}": {VOLUME}}}}}'
            )


def _slips(service: Service | None, setting: str, target: str, place: str) -> Iterator[str]:
    if service is None:
        yield f"{setting}: the compose file has no service of this name"
    elif place not in (VOLUME, DISCARD) and not place.startswith("/"):
        yield f"{setting}: {place}: give {VOLUME}, {DISCARD}, or an absolute path of the host"
    elif sum(mount.target == target for mount in service.mounts) > (place != DISCARD):
        yield f"{setting}: the compose file already mounts something at {target}"


def _volume(service: str, target: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_.-]+", "-", f"{service}{target}")


def _mount(service: str, target: str, place: str) -> Mapping[str, Json]:
    if place == VOLUME:
        return {"type": "volume", "source": _volume(service, target), "target": target}
    return {"type": "bind", "source": place, "target": target, "bind": {"create_host_path": False}}
