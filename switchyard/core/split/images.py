"""Where the image of each service comes from: a build of this release, or a registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from switchyard.core import image_names, names
from switchyard.core.build_order import IMAGE_CONTEXT, in_order
from switchyard.core.compose_document import Service
from switchyard.core.split.inputs import Inputs

CONTEXT = "service:"
"""Starts a further context of a build that is the image of a service."""
FOLLOWED = ("", "build", "never", "missing", "if_not_present")
"""The pull policies by which Compose builds an image where it has a build for it."""


@dataclass
class Images:
    """The origin of every image that a release needs."""

    pulls: dict[str, str] = field(default_factory=dict)
    """Service to the image that it names, which no build of the document makes."""
    policies: dict[str, str] = field(default_factory=dict)
    """Service to its ``pull_policy``, where it pulls its image and sets one."""
    built_by: dict[str, str] = field(default_factory=dict)
    """Service without a build to the service whose build makes the image that it names."""
    contexts: dict[str, dict[str, str]] = field(default_factory=dict)
    """Service that is built to the contexts of its build that are images of other builds: name to service."""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def images_of(inputs: Inputs) -> Images:
    """Return where each image comes from, following every build that a service of the release needs."""
    images = Images()
    makers = _makers(inputs)
    for service in inputs.services.values():
        _note_policy(inputs, service, makers, images)
        images.problems += _reserved_names(inputs, service)
        if service.build is None:
            maker = _maker(inputs, service.name, "image", service.image or "", makers, images)
            if maker is None:
                images.pulls[service.name] = service.image or ""
                if service.pull_policy:
                    images.policies[service.name] = service.pull_policy
            else:
                images.built_by[service.name] = maker
    waiting = [name for name, service in inputs.services.items() if service.build is not None]
    waiting += images.built_by.values()
    for name in waiting:
        if name not in images.contexts:
            images.contexts[name] = dict(_contexts(inputs, inputs.document.services[name], makers, images))
            waiting += images.contexts[name].values()
    _, ring = in_order({name: bases.values() for name, bases in images.contexts.items()})
    if ring:
        images.problems.append(f"services {', '.join(ring)}: build: each of them starts from the image of another")
    return images


def _makers(inputs: Inputs) -> dict[str, list[Service]]:
    """Return the services whose builds make an image, by its name."""
    makers: dict[str, list[Service]] = {}
    for service in inputs.document.services.values():
        if service.build is not None:
            for name in {image_names.canonical(name) for name in _made(inputs, service)}:
                makers.setdefault(name, []).append(service)
    return makers


def _made(inputs: Inputs, service: Service) -> list[str]:
    """Return the names that Compose gives to the image of a build."""
    projects = (inputs.document.name, inputs.app.name)
    own = [service.image] if service.image else [f"{project}-{service.name}" for project in projects]
    return [*own, *(service.build.tags if service.build is not None else ())]


def _maker(
    inputs: Inputs, user: str, key: str, name: str, makers: dict[str, list[Service]], images: Images
) -> str | None:
    """Return the service whose build makes the image that ``user`` names; None where no other service does."""
    makers_of_it = makers.get(image_names.canonical(name), [])
    candidates = [service for service in makers_of_it if service.name in inputs.services] or makers_of_it
    if not candidates or any(service.name == user for service in candidates):
        return None
    if len({_essence(service) for service in candidates}) > 1:
        services = ", ".join(service.name for service in candidates)
        images.problems.append(
            f"service {user}: {key}: {name} is built by {services}, each in another way. Give each build an image of "
            "its own name"
        )
    return candidates[0].name


def _essence(service: Service) -> str:
    """Return what makes two builds differ, as text."""
    raw = service.build.raw if service.build is not None else {}
    return repr(sorted((key, repr(value)) for key, value in raw.items() if key != "tags"))


def _contexts(
    inputs: Inputs, service: Service, makers: dict[str, list[Service]], images: Images
) -> Iterator[tuple[str, str]]:
    """Yield the contexts of a build that are images of other builds, each with the service that is built."""
    written = service.build.additional_contexts if service.build is not None else {}
    for name, place in written.items():
        if place.startswith(CONTEXT):
            other = place.removeprefix(CONTEXT)
            maker = images.built_by.get(other, other)
            target = inputs.document.services.get(maker)
            if target is not None and target.build is not None:
                yield name, maker
            else:
                images.problems.append(
                    f"service {service.name}: build.additional_contexts: {name}: service {other} builds no image"
                )
    for name in inputs.facts.bases.get(service.name, ()):
        maker_of_base = _maker(inputs, service.name, "build: its Dockerfile", name, makers, images)
        if maker_of_base is not None and image_names.as_context(name) not in written:
            yield image_names.as_context(name), maker_of_base


def _reserved_names(inputs: Inputs, service: Service) -> Iterator[str]:
    """Yield the images of other applications, and of earlier releases, that a service names by Switchyard's tags."""
    named = [("image", service.image or "")] if service.build is None else []
    named += [("build: its Dockerfile", name) for name in inputs.facts.bases.get(service.name, ())]
    contexts = service.build.additional_contexts.values() if service.build is not None else ()
    named += [("build.additional_contexts", place.removeprefix(IMAGE_CONTEXT)) for place in contexts]
    for key, name in named:
        if image_names.canonical(name).startswith(f"{image_names.HUB}/{names.TAGS}"):
            yield (
                f"service {service.name}: {key}: {name}: names that begin with {names.TAGS} are those of images that "
                "Switchyard builds for each application. Name an image of its own"
            )


def _note_policy(inputs: Inputs, service: Service, makers: dict[str, list[Service]], images: Images) -> None:
    policy = service.pull_policy
    if service.build is not None and service.build.tags:
        images.notes.append(
            f"{service.name}: build.tags are not given on the host, where another application may use such names: "
            f"{', '.join(service.build.tags)}"
        )
    is_built = service.build is not None or image_names.canonical(service.image or "") in makers
    if is_built and policy not in FOLLOWED:
        images.notes.append(
            f"{service.name}: pull_policy {policy} is not followed: a release builds this image from its own commit"
        )
