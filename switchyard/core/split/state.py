"""Where what services mount is on the host: files of the release, state that outlives it, and volumes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from switchyard.core.compose_document import Mount, Resource, Service
from switchyard.core.split.inputs import Inputs, is_outside
from switchyard.core.state_keeping import server_of_state, written_state

PLACEHOLDERS = (".gitkeep", ".keep", ".gitignore")
"""Files whose only purpose is that git keeps a folder, which is filled later."""


@dataclass(frozen=True)
class Place:
    """Where a source of the compose file is on the host, or why that is unknown."""

    path: str
    is_code: bool = False
    """Whether it is a file or folder of the commit."""
    data: str = ""
    """Its path in the repository, where it is state under ``data/``."""
    shared_file: str = ""
    """Its path in the repository, where a shared service mounts a tracked file or folder."""
    problem: str = ""


@dataclass(frozen=True)
class State:
    """What a release needs on the host beside its own files."""

    volumes: dict[str, str]
    """Volume of the compose file to the engine's volume."""
    data: tuple[str, ...]
    """Folders under ``data/``."""
    shared_files: tuple[str, ...]
    """Tracked files that shared services mount, relative to the repository."""
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def state_of(inputs: Inputs) -> State:
    """Return the volumes, data folders and shared files of a release, with every mount that has no place."""
    volumes: dict[str, str] = {}
    owners: dict[str, str] = {}
    data: set[str] = set()
    shared_files: set[str] = set()
    problems: list[str] = []
    for service, mount in _volume_mounts(inputs):
        problem = volume_problem(inputs, service, mount.source)
        if problem:
            problems.append(problem)
        else:
            volumes[mount.source] = engine_volume(inputs, mount.source)
    for where, place, is_folder in _places(inputs):
        if place.problem:
            problems.append(f"{where}: {place.problem}")
        if place.shared_file:
            shared_files.add(place.shared_file)
        if place.data:
            name = posixpath.basename(place.data)
            if owners.setdefault(name, place.data) != place.data:
                problems.append(
                    f"{where}: data/{name} is already that of {owners[name]}. Give one of the two an absolute path in "
                    "app.data"
                )
            data |= {name} if is_folder else set()
    return State(volumes, tuple(sorted(data)), tuple(sorted(shared_files)), tuple(problems), tuple(_notes(inputs)))


def engine_volume(inputs: Inputs, name: str) -> str:
    """Return the engine's volume for one of the document: the settings' own, an external one, or the application's."""
    volume = inputs.document.volumes.get(name)
    if name in inputs.app.volumes:
        return inputs.app.volumes[name]
    if volume is not None and volume.external:
        return volume.name or name
    return inputs.document.engine_volume(name, inputs.app.name)


def volume_problem(inputs: Inputs, service: Service, name: str) -> str | None:
    volume = inputs.document.volumes.get(name)
    if volume is None or name in inputs.app.volumes or volume.external or not volume.has_own_driver:
        return None
    return (
        f"service {service.name}: volumes: {name} has a driver of its own. Create it on the host and name it with "
        f"app.volumes.{name}.external"
    )


def place_of_mount(inputs: Inputs, service: Service, mount: Mount) -> Place:
    """Return where a bind source is on the host."""
    return _place(inputs, mount.source, shared=inputs.kind(service).own_project)


def place_of_file(inputs: Inputs, resource: Resource, *, shared: bool) -> Place:
    """Return where the file of a secret or a config is on the host. Its problem says so where there is no file."""
    if resource.file is not None:
        return _place(inputs, resource.file, shared=shared)
    if resource.environment is not None and resource.content is None:
        return Place("", problem=f"nothing sets {resource.environment}: set it in the host's env (hosts.NAME.env)")
    return Place("", problem="" if resource.content is not None else "only file, content and environment are handled")


def resources_of(inputs: Inputs, part: str, *, shared: bool) -> dict[str, Resource]:
    """Return the ``secrets`` or ``configs`` that the services of the shared project, or of a colour, use."""
    services = inputs.shared() if shared else inputs.in_colours()
    used = {grant.source for service in services.values() for grant in service.grants[part]}
    resources = inputs.document.resources[part]
    return {name: resources.get(name) or Resource() for name in sorted(used)}


def secrets_of_builds(inputs: Inputs) -> dict[str, Resource]:
    """Return the secrets that the builds of the release use."""
    builds = [service.build for service in inputs.services.values() if service.build is not None]
    used = {grant.source for build in builds for grant in build.secrets}
    return {name: inputs.document.secrets.get(name) or Resource() for name in sorted(used)}


def _notes(inputs: Inputs) -> Iterator[str]:
    in_colours = [mount.source for service, mount in _volume_mounts(inputs) if not inputs.kind(service).own_project]
    for name in dict.fromkeys(in_colours):
        yield f"volume {name} is mounted by services of both colours: the same state in either"
    for service in inputs.in_colours().values():
        kind, state = inputs.kind(service), written_state(service, inputs.app, inputs.facts)
        if kind.side_by_side and state:
            server = server_of_state(service, inputs.app, inputs.facts)
            what = f"two servers of state ({server})" if server else "two of it"
            yield (
                f"{service.name} is {kind.name} and writes to {', '.join(state)}: while both colours are up, {what} "
                "write there at once. If it cannot share that with a second one, set "
                f"app.kinds.{service.name}: {'exclusive' if kind.behind_edge else 'handover'} or shared"
            )
        elif kind.is_held:
            yield (
                f"{service.name} is exclusive: at a switch its requests wait while the old one stops and the new one "
                f"starts. {_risk(service, state)}"
            )


def _risk(service: Service, state: Sequence[str]) -> str:
    """Return what a release that is taken back may leave behind in the state of an exclusive service."""
    if not state:
        return "It keeps no state that the compose file names"
    return (
        f"Where the new one fails, the old one starts again on {', '.join(state)}, which the new one may have changed: "
        f"keep a copy if {service.name} cannot go back"
    )


def _volume_mounts(inputs: Inputs) -> Iterator[tuple[Service, Mount]]:
    """Yield the mounts of named volumes, those of the colours' services first."""
    for service in (*inputs.in_colours().values(), *inputs.shared().values()):
        for mount in service.mounts:
            if mount.type == "volume" and mount.source:
                yield service, mount


def _places(inputs: Inputs) -> Iterator[tuple[str, Place, bool]]:
    """Yield every source of the host: where the compose file names it, its place, and whether it may be a folder."""
    for shared, services in ((False, inputs.in_colours()), (True, inputs.shared())):
        for service in services.values():
            for mount in service.mounts:
                if mount.type == "bind":
                    where = f"service {service.name}: volumes: {mount.source}"
                    yield where, place_of_mount(inputs, service, mount), True
        for part in inputs.document.resources:
            for name, resource in resources_of(inputs, part, shared=shared).items():
                yield f"{part}.{name}", place_of_file(inputs, resource, shared=shared), False
    for name, resource in secrets_of_builds(inputs).items():
        yield f"secrets.{name}", place_of_file(inputs, resource, shared=False), False


def _place(inputs: Inputs, source: str, *, shared: bool) -> Place:
    if source.startswith(("/", "~")):
        return Place(source)
    path = posixpath.normpath(posixpath.join(inputs.folder, source))
    if is_outside(path):
        return Place(source, problem="lies outside the repository")
    setting = next((key for key in inputs.app.data if posixpath.normpath(key) == posixpath.normpath(source)), None)
    if setting is not None:
        return _data(inputs, path, inputs.app.data[setting])
    tracked = _tracked_at(inputs, path)
    if not tracked:
        problem = f"git does not track it, so it is data that no release carries. {_how_to_name(source)}"
        return Place(source, problem=problem)
    if all(posixpath.basename(name) in PLACEHOLDERS for name in tracked):
        problem = (
            f"the commit has only {tracked[0]} of it, so what fills it is data that no release carries. "
            f"{_how_to_name(source)}"
        )
        return Place(source, problem=problem)
    if shared:
        return Place(posixpath.normpath(f"{inputs.root}/shared/files/{path}"), is_code=True, shared_file=path)
    return Place(posixpath.normpath(f"{inputs.files}/{path}"), is_code=True)


def _data(inputs: Inputs, path: str, setting: str) -> Place:
    """Return where state is by the settings: an absolute path, or a folder of the host's own."""
    if setting.startswith("/"):
        return Place(setting)
    if path == ".":
        return Place("", problem="is the whole repository, which cannot be data. Mount a folder of it")
    return Place(f"{inputs.root}/data/{posixpath.basename(path)}", data=path)


def _tracked_at(inputs: Inputs, path: str) -> list[str]:
    """Return what the commit has at a path: the file itself, or the files of the folder."""
    if path == ".":
        return sorted(inputs.tracked)
    return sorted(name for name in inputs.tracked if name == path or name.startswith(f"{path}/"))


def _how_to_name(source: str) -> str:
    return (
        f'Say where it is, in invoke.yaml: app: {{data: {{"{source}": data}}}} for a folder of the host, or an '
        "absolute path"
    )
