"""What containers mount of a host that no release carries: it must be there, and readable, before they start."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from switchyard.core.app import App
from switchyard.core.compose_document import Document, Service
from switchyard.core.split.named_volumes import with_named_volumes
from switchyard.core.state_keeping import ImageFacts
from switchyard.core.wire.answers import FileRights

DATA = "data"
"""Stands for a place under ``data/``."""
KNOWN_USERS = {"root": 0, "nobody": 65534}
"""Users whose number is the same in every image."""


class HostSource(NamedTuple):
    """A file or folder of the host that a service mounts."""

    where: str
    """The service and the key that name it."""
    path: str
    """An absolute path, or one that begins with ``~``."""
    is_file: bool
    """Whether it is the file of a secret or a config, which the service must be able to read."""
    user: str
    """Who reads it in the container; empty where the image decides, and where that is not known."""


class Judgement(NamedTuple):
    """What stands against the sources of a machine, and what nobody could look at."""

    problems: tuple[str, ...]
    unknown: tuple[str, ...]


def host_sources(document: Document, app: App, facts: ImageFacts, root: str) -> tuple[HostSource, ...]:
    """Return what the services of a release mount of a host and no release carries. ``root``: the application's there.

    Folders under ``data/`` are left out: a deploy creates them.
    """
    document = with_named_volumes(document, app)
    services = [service for name, service in document.enabled.items() if name not in app.left_out]
    sources = (_of_service(service, document, app, facts, root) for service in services)
    return tuple(dict.fromkeys(source for each in sources for source in each))


def judge_sources(sources: Iterable[HostSource], rights: Mapping[str, FileRights | None]) -> Judgement:
    """Return which sources are not there, or cannot be read by the service's own user."""
    problems, unknown = [], []
    for source in sources:
        its = rights.get(source.path)
        if its is None:
            kind = "file" if source.is_file else "file or folder"
            problems.append(
                f"{source.where}: the host has no {source.path}. Create the {kind} there, or correct the path"
            )
        elif its.why is not None:
            unknown.append(f"{source.where}: whether the host has {source.path} is unknown: {its.why}")
        elif source.is_file and source.user:
            can_read = _can_read(source.user, its)
            words = f"{source.where}: {source.path} has mode {its.mode} and belongs to {its.owner}"
            if can_read is None:
                unknown.append(f"{words}: whether user {source.user} of the image may read it is unknown")
            elif not can_read:
                problems.append(
                    f"{words}: user {source.user} of the service cannot read it. Give the file to that user (chown) "
                    "or let it be read (chmod o+r)"
                )
    return Judgement(tuple(problems), tuple(unknown))


def _of_service(service: Service, document: Document, app: App, facts: ImageFacts, root: str) -> Iterator[HostSource]:
    recipe = facts.recipes.get(service.name)
    user = service.user or (recipe.user if recipe is not None else "")
    for mount in service.mounts:
        path = _outside(mount.source, app) if mount.type == "bind" else ""
        if path and path != DATA:
            yield HostSource(f"service {service.name}: volumes: {mount.source}", path, False, user)
    for part, grants in service.grants.items():
        for grant in grants:
            resource = document.resources[part].get(grant.source)
            path = _outside(resource.file, app) if resource is not None and resource.file is not None else ""
            if path == DATA and resource is not None:
                path = f"{root}/data/{posixpath.basename(posixpath.normpath(resource.file or ''))}"
            if path:
                yield HostSource(f"service {service.name}: {part}.{grant.source}", path, True, user)


def _outside(source: str, app: App) -> str:
    """Return where a source is outside a release; ``DATA`` where that is under ``data/``, empty where it is code."""
    if source.startswith(("/", "~")):
        return source
    data = {posixpath.normpath(key): place for key, place in app.data.items()}
    place = data.get(posixpath.normpath(source))
    return "" if place is None else place if place.startswith("/") else DATA


def _can_read(user: str, rights: FileRights) -> bool | None:
    """Return whether a user of a container may read a file; None where the user's number is not known."""
    mode = int(rights.mode or "0", 8)
    name, _, group = user.partition(":")
    if mode & 0o004 or name in ("0", "root"):
        return True
    number = int(name) if name.isdigit() else KNOWN_USERS.get(name)
    if number is None:
        return None
    if number == rights.uid:
        return bool(mode & 0o400)
    return bool(mode & 0o040) if group.isdigit() and int(group) == rights.gid else False
