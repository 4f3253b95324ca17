"""What tells that a service keeps state: its image, what its build starts from, and where it may write."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from switchyard.core.app import App
from switchyard.core.compose_document import Mount, Service
from switchyard.core.dockerfile import Recipe
from switchyard.core.images import ImageReference, is_data_path, keeps_state

HOSTS_OWN = ("/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/usr", "/var/lib/docker", "/var/log", "/var/run")
"""Folders of a host that belong to its system: what a container mounts of them is not the application's state."""
CLIENTS = ("dump", "cli", "sql", "sh", "restore", "admin", "check", "bench")
"""How the names of programs end that only talk to a server: ``psql``, ``mysqldump``, ``redis-cli``, ``mongosh``."""
DISCARD = "discard"
"""In ``app.data``: what a service writes to a volume of its image is not kept beyond its release."""
VOLUME = "volume"
"""In ``app.data``: a volume of the engine, which every release mounts, keeps it."""


@dataclass(frozen=True)
class ImageFacts:
    """What is known of the images of a release before they are built or pulled."""

    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    """Service to what its build starts from and declares, as far as its Dockerfile tells."""
    volumes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Image to the paths that it declares as volumes, for those that the host has."""
    bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Service that is built to the images that its Dockerfile starts or takes files from: one may be another build."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Service that is shared and built to a digest of what its build reads."""

    def declared(self, service: Service) -> tuple[str, ...]:
        """Return the paths that a service's image declares as volumes, as far as that is known."""
        recipe = self.recipes.get(service.name)
        if service.build is None:
            return self._of(service.image or "")
        return tuple(dict.fromkeys([*recipe.volumes, *self._of(recipe.base)])) if recipe is not None else ()

    def _of(self, image: str) -> tuple[str, ...]:
        name = image.removeprefix("docker.io/").removeprefix("library/")
        return self.volumes.get(name) or self.volumes.get(f"{name}:latest", ())


NO_FACTS = ImageFacts()


def server_of_state(service: Service, app: App, images: ImageFacts = NO_FACTS) -> str:
    """Return why a service is a server of state, as one clause; empty where nothing tells that it is."""
    if service.build is None and keeps_state(service.image or ""):
        return f"its image {service.image_name} keeps state"
    recipe = images.recipes.get(service.name)
    if recipe is not None and keeps_state(recipe.base) and _runs_server(service, recipe):
        return f"its Dockerfile builds on {ImageReference.parse(recipe.base).name}, which keeps state"
    for mount in _written(service, app):
        if is_data_path(mount.target):
            return f"{_name(mount)} is mounted at {mount.target}, where a server keeps its data"
    return ""


def written_state(service: Service, app: App, images: ImageFacts = NO_FACTS) -> list[str]:
    """Return the state that a service may write to, as a person calls it: volumes, and folders outside a release."""
    declared = [f"the volume {target} of its image" for target in unnamed_volumes(service, app, images)]
    return list(dict.fromkeys([*map(_name, _written(service, app)), *declared]))


def unnamed_volumes(service: Service, app: App, images: ImageFacts = NO_FACTS) -> list[str]:
    """Return the paths of a service's anonymous volumes, of its image and of the file, that the settings do not name.

    One below code that the service mounts only hides a part of that code (``node_modules``), and keeps nothing.
    """
    mounted = {mount.target for mount in service.mounts if mount.source or mount.type != "volume"} | {*service.tmpfs}
    anonymous = [mount.target for mount in service.mounts if _is_anonymous(mount) and not _hides_code(service, mount)]
    targets = dict.fromkeys([*anonymous, *map(posixpath.normpath, images.declared(service))])
    return [target for target in targets if target not in mounted and f"{service.name}:{target}" not in app.data]


def lost_content(service: str, target: str) -> str:
    """Say what happens to an anonymous volume, and which setting keeps it."""
    return (
        f"{target} is an anonymous volume, of its image or of the compose file, and each release would begin with an "
        f'empty one. Say where its content is kept, in invoke.yaml: app: {{data: {{"{service}:{target}": {VOLUME}}}}} '
        f"for a volume that every release mounts, an absolute path of the host, or {DISCARD} if nothing there is to "
        "be kept"
    )


def _written(service: Service, app: App) -> Iterator[Mount]:
    """Yield the mounts of state that a service may write to and that have a name."""
    data = {posixpath.normpath(source) for source in app.data}
    for mount in service.mounts:
        if mount.read_only or not mount.source:
            continue
        is_outside = mount.source.startswith(("/", "~")) and not _is_hosts_own(mount.source)
        if mount.type == "volume" or (
            mount.type == "bind" and (is_outside or posixpath.normpath(mount.source) in data)
        ):
            yield mount


def _is_hosts_own(source: str) -> bool:
    path = posixpath.normpath(source)
    return any(path == folder or path.startswith(f"{folder}/") for folder in HOSTS_OWN)


def _is_anonymous(mount: Mount) -> bool:
    return mount.type == "volume" and not mount.source and not mount.read_only


def hidden_code(service: Service) -> list[str]:
    """Return the paths at which a service's anonymous volumes hide a part of what it mounts above them."""
    return [mount.target for mount in service.mounts if _is_anonymous(mount) and _hides_code(service, mount)]


def _hides_code(service: Service, mount: Mount) -> bool:
    binds = [each.target for each in service.mounts if each.type == "bind"]
    return any(mount.target.startswith(f"{target.rstrip('/')}/") for target in binds)


def _name(mount: Mount) -> str:
    return f"volume {mount.source}" if mount.type == "volume" else f"the folder {mount.source}"


def _runs_server(service: Service, recipe: Recipe) -> bool:
    """Return whether a build on a server's image runs that server, and not one of its clients or a script."""
    words: Collection[str] = [*service.entrypoint, *service.command] or recipe.command.split()
    programs = [posixpath.basename(word.strip("[]\",'")) for word in words]
    if not programs or programs[0].startswith("-") or "docker-entrypoint.sh" in programs:
        return True
    return any(keeps_state(program) and not program.endswith(CLIENTS) for program in programs)
