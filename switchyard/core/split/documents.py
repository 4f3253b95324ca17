"""The generated Compose documents: a colour, the shared project, and what the host builds."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from switchyard.core import edge, names
from switchyard.core.app import Route
from switchyard.core.build_order import IMAGE_CONTEXT
from switchyard.core.compose_document import Mount, Resource, Service
from switchyard.core.split.images import Images
from switchyard.core.split.inputs import Inputs, is_relative_path
from switchyard.core.split.state import State, place_of_file, place_of_mount, resources_of, secrets_of_builds
from switchyard.core.wire.message import Json

REPLACED = frozenset(
    (
        "build",
        "container_name",
        "depends_on",
        "deploy",
        "develop",
        "env_file",
        "expose",
        "image",
        "labels",
        "networks",
        "ports",
        "profiles",
        "pull_policy",
        "restart",
        "scale",
    )
)
"""Keys of a service that a generated document leaves out or sets itself."""
NOT_BUILT = frozenset(("tags",))
"""Keys of a build that its document leaves out: a tag of the host may be another application's image."""
RESTARTS = {"none": "no", "on-failure": "on-failure", "any": "unless-stopped"}
"""``deploy.restart_policy.condition`` as ``restart``. Compose prefers the former, and takes ``any`` for ``always``."""
SECRETS = "/run/secrets"
"""Where Compose puts secrets in a container."""
LOGGING: Mapping[str, Json] = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def colour_document(inputs: Inputs, colour: str, routes: Iterable[Route], state: State) -> dict[str, Json]:
    """Return the document of a colour: on a network of its own, with nothing that the other colour could hold too."""
    app, routed = inputs.app.name, {route.service for route in routes}
    services: dict[str, Json] = {}
    for name, service in inputs.in_colours().items():
        kind = inputs.kind(service)
        aliases = [*names_of(service), *(names.aliases(name, colour, app) if name in routed else ())]
        services[name] = {
            **_service(inputs, service, names.tag(app, name, inputs.release)),
            **({} if service.network_mode == "none" else {"networks": {"default": {"aliases": _distinct(aliases)}}}),
            "restart": "no" if kind.runs_once else _restart(service),
            "labels": {
                **service.labels,
                names.APP: app,
                names.RELEASE: inputs.release,
                names.COLOUR: colour,
                names.KIND: kind.name,
            },
        }
    networks: dict[str, Json] = {"default": {"name": names.network(app, colour), "external": True}}
    return {
        "name": names.project(app, colour),
        "services": services,
        "networks": networks,
        **_volumes(inputs.in_colours(), state),
        **_resources(inputs, shared=False),
    }


def shared_document(inputs: Inputs, state: State) -> dict[str, Json]:
    """Return the document of the shared project: on the networks of both colours."""
    app, shared = inputs.app.name, inputs.shared()
    services: dict[str, Json] = {}
    for name, service in shared.items():
        needs = {other: dependency.raw for other, dependency in service.depends_on.items() if other in shared}
        services[name] = {
            **_service(inputs, service, names.tag(app, name, "shared")),
            **({"depends_on": needs} if needs else {}),
            "networks": {colour: {"aliases": _distinct(names_of(service))} for colour in names.COLOURS},
            "restart": _restart(service),
            "labels": {**service.labels, names.APP: app, names.KIND: inputs.kind(service).name},
            **({"ports": service.setting("ports")} if service.ports else {}),
            **({names.BUILD_INPUTS: inputs.facts.inputs.get(name, "")} if service.build is not None else {}),
            **({names.IMAGE: service.image} if service.image and service.build is None else {}),
        }
    return {
        "name": names.project(app, "shared"),
        "services": services,
        "networks": edge.external_networks(app),
        **_volumes(shared, state),
        **_resources(inputs, shared=True),
    }


def build_document(inputs: Inputs, images: Images) -> dict[str, Json]:
    """Return the document of the images that the host builds, from the release's own files.

    An image that another build of the release starts from is a context of that build, under the name that the
    Dockerfile has for it. No image has another name than ours: it could be that of somebody else's.
    """
    app, folder = inputs.app.name, posixpath.normpath(f"{inputs.files}/{inputs.folder}")
    services: dict[str, Json] = {}
    for name, bases in images.contexts.items():
        build = inputs.document.services[name].build
        if build is None:
            continue
        context, contexts = build.context, build.additional_contexts
        is_address = "://" in context or context.startswith("git@")
        placed = {
            key: posixpath.normpath(posixpath.join(folder, place)) if is_relative_path(place) else place
            for key, place in contexts.items()
        }
        placed |= {key: f"{IMAGE_CONTEXT}{names.tag(app, maker, inputs.release)}" for key, maker in bases.items()}
        services[name] = {
            "image": names.tag(app, name, inputs.release),
            "build": {
                **{key: value for key, value in build.raw.items() if key not in NOT_BUILT},
                **({} if is_address else {"context": posixpath.normpath(posixpath.join(folder, context))}),
                **({"additional_contexts": placed} if placed else {}),
                **({"ssh": [f"{key}={inputs.app.build_ssh[key]}" for key in build.ssh]} if build.ssh else {}),
                "labels": {**build.labels, names.APP: app},
            },
        }
    secrets: dict[str, Json] = {
        name: {"file": place_of_secret(inputs, name, resource)} for name, resource in secrets_of_builds(inputs).items()
    }
    return {"name": names.project(app, "build"), "services": services, **({"secrets": secrets} if secrets else {})}


def place_of_secret(inputs: Inputs, name: str, resource: Resource) -> str:
    """Return where the host has the file of a build's secret: beside the release's env if it comes from there."""
    if resource.file is not None:
        return place_of_file(inputs, resource, shared=False).path
    number = sorted(secrets_of_builds(inputs)).index(name)
    return f"{posixpath.dirname(inputs.files)}/secrets/{number}"


def build_secrets(inputs: Inputs) -> dict[str, str]:
    """Return the contents of builds' secrets that come from the env, by the names of their files."""
    return {
        posixpath.basename(place_of_secret(inputs, name, resource)): resource.content.replace("$$", "$")
        for name, resource in secrets_of_builds(inputs).items()
        if resource.file is None and resource.content is not None
    }


def _service(inputs: Inputs, service: Service, image: str) -> dict[str, Json]:
    """Return what a service has in the document of either project."""
    copied = {key: value for key, value in service.raw.items() if key not in REPLACED and value is not None}
    copied.pop("volumes", None)
    mounts = [_mount(inputs, service, mount) for mount in service.mounts]
    deploy = {key: value for key, value in service.deploy.raw.items() if key != "restart_policy"}
    replicas = inputs.app.scale.get(service.name, service.scale)
    if replicas is not None:
        deploy["replicas"] = replicas
    return {
        "logging": LOGGING,
        **copied,
        **_grants(inputs, service),
        **({"volumes": mounts} if mounts else {}),
        **({"deploy": deploy} if deploy else {}),
        "image": image,
        "pull_policy": "never",
    }


def _mount(inputs: Inputs, service: Service, mount: Mount) -> Mapping[str, Json]:
    if mount.type != "bind":
        return mount.raw
    place = place_of_mount(inputs, service, mount)
    is_writable = posixpath.normpath(mount.source) in map(posixpath.normpath, inputs.app.writable)
    return {
        **mount.raw,
        "source": place.path,
        **({"read_only": True} if place.is_code and not is_writable else {}),
        "bind": {**mount.bind, "create_host_path": mount.create_host_path and not place.is_code},
    }


def _grants(inputs: Inputs, service: Service) -> dict[str, Json]:
    """Return secrets and configs of a service where a secret comes from the env: it is a config there.

    Compose itself copies both into the container, and takes a secret's content from nowhere but its own environment.
    """
    secrets = inputs.document.secrets
    copies = [grant for grant in service.secrets if grant.source in secrets and _is_copied(secrets[grant.source])]
    if not copies:
        return {}
    moved = [
        {**grant.raw, "source": config_of(inputs, grant.source), "target": posixpath.join(SECRETS, grant.target)}
        for grant in copies
    ]
    left = [grant.raw for grant in service.secrets if grant not in copies]
    return {"secrets": left, "configs": [*(grant.raw for grant in service.configs), *moved]}


def _is_copied(secret: Resource) -> bool:
    return secret.file is None and secret.content is not None


def config_of(inputs: Inputs, secret: str) -> str:
    """Return the name of the config that a secret becomes."""
    name = f"secret.{secret}"
    while name in inputs.document.configs:
        name = f"secret.{name}"
    return name


def _volumes(services: Mapping[str, Service], state: State) -> dict[str, Json]:
    """Return the document's ``volumes``: those of the engine, which outlive every project."""
    used = {mount.source for service in services.values() for mount in service.mounts if mount.type == "volume"}
    volumes: dict[str, Json] = {
        name: {"name": state.volumes[name], "external": True} for name in sorted(used) if name in state.volumes
    }
    return {"volumes": volumes} if volumes else {}


def _resources(inputs: Inputs, *, shared: bool) -> dict[str, Json]:
    """Return the document's ``secrets`` and ``configs``."""
    parts: dict[str, Json] = {}
    copies: dict[str, Json] = {}
    for part in inputs.document.resources:
        entries: dict[str, Json] = {}
        for name, resource in resources_of(inputs, part, shared=shared).items():
            has_file = resource.file is not None
            path = place_of_file(inputs, resource, shared=shared).path
            if part == "secrets" and _is_copied(resource):
                copies[config_of(inputs, name)] = {"content": resource.content}
            else:
                entries[name] = {"file": path} if has_file else {"content": resource.content}
        if part == "configs":
            entries |= copies
        if entries:
            parts[part] = entries
    return parts


def _restart(service: Service) -> str:
    """Return the policy by which the engine brings a container back: never ``always``, which survives a stop."""
    policy, restart = service.deploy.restart_policy, service.restart
    if policy is not None:
        restart = RESTARTS.get(policy.condition, "unless-stopped")
        if restart == "on-failure" and policy.max_attempts:
            restart = f"on-failure:{policy.max_attempts}"
    return "unless-stopped" if restart == "always" else restart


def names_of(service: Service) -> list[str]:
    """Return what others may call a service. ``container_name`` is a DNS name too, and its containers lose it."""
    return [service.name, *([service.container_name] if service.container_name else []), *service.aliases]


def _distinct(aliases: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(aliases))
