"""A Compose document with types: as Docker Compose resolves it, or as Switchyard generates it.

An attribute stands for each key that Switchyard reads. ``raw`` keeps the JSON, for what passes through unread.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from switchyard.core import names
from switchyard.core.compose_document.parts import (
    Attachment,
    Build,
    Dependency,
    Deploy,
    Grant,
    Healthcheck,
    Logging,
    Mount,
    Network,
    Port,
    Resource,
    Volume,
)
from switchyard.core.images import ImageReference
from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section

SET_ASIDE = "ignored"
"""The profile of services that the settings leave out."""
NO_DEPLOY = Deploy.decode({}, "deploy")


class Service(NamedTuple):
    """A service of a document."""

    name: str
    image: str | None
    build: Build | None
    command: tuple[str, ...]
    """The words that the container's process gets."""
    entrypoint: tuple[str, ...]
    environment: Mapping[str, str]
    """Variables as the container's processes see them, without those that have no value."""
    labels: Mapping[str, str]
    ports: tuple[Port, ...]
    mounts: tuple[Mount, ...]
    tmpfs: tuple[str, ...]
    """Paths in the container that are in memory."""
    depends_on: Mapping[str, Dependency]
    networks: Mapping[str, Attachment]
    secrets: tuple[Grant, ...]
    configs: tuple[Grant, ...]
    deploy: Deploy
    healthcheck: Healthcheck | None
    """None also where it is empty, and so changes nothing of the image's."""
    logging: Logging | None
    profiles: tuple[str, ...]
    cap_add: tuple[str, ...]
    scale: int | None
    restart: str
    container_name: str | None
    hostname: str | None
    user: str | None
    pull_policy: str
    """Empty where it sets none."""
    network_mode: str | None
    privileged: bool
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json, at: str) -> Service:
        """Read a service; its name is the last part of its path."""
        service = Section.of(value, at)
        return cls(
            name=at.removeprefix("services."),
            image=service.text("image"),
            build=service.part("build", Build.decode),
            command=tuple(map(_unescaped, service.words("command"))),
            entrypoint=tuple(map(_unescaped, service.words("entrypoint"))),
            environment={name: _unescaped(item) for name, item in service.pairs("environment").items()},
            labels=service.pairs("labels"),
            ports=service.each("ports", Port.decode),
            mounts=service.each("volumes", Mount.decode),
            tmpfs=tuple(posixpath.normpath(entry.partition(":")[0]) for entry in service.words("tmpfs")),
            depends_on=service.named("depends_on", Dependency.decode),
            networks=service.named("networks", Attachment.decode),
            secrets=service.each("secrets", Grant.decode),
            configs=service.each("configs", Grant.decode),
            deploy=service.part("deploy", Deploy.decode) or NO_DEPLOY,
            healthcheck=service.part("healthcheck", Healthcheck.decode),
            logging=service.part("logging", Logging.decode),
            profiles=service.words("profiles"),
            cap_add=service.words("cap_add"),
            scale=service.number("scale"),
            restart=service.text("restart") or "no",
            container_name=service.text("container_name"),
            hostname=service.text("hostname"),
            user=service.text("user"),
            pull_policy=service.text("pull_policy") or "",
            network_mode=service.text("network_mode"),
            privileged=service.flag("privileged"),
            raw=service.raw,
        )

    @property
    def aliases(self) -> tuple[str, ...]:
        """The names that networks give it besides its own."""
        return tuple(alias for attachment in self.networks.values() for alias in attachment.aliases)

    @property
    def replicas(self) -> int:
        """How many containers ``deploy`` asks for, which is where generated documents say it."""
        return 1 if self.deploy.replicas is None else self.deploy.replicas

    @property
    def image_name(self) -> str:
        """The last part of its image's name, without the tag; empty where it names no image."""
        return ImageReference.parse(self.image or "").name

    @property
    def grants(self) -> dict[str, tuple[Grant, ...]]:
        """The secrets and configs that it uses, by the key of the document that defines them."""
        return {"secrets": self.secrets, "configs": self.configs}

    def with_ports(self, ports: Iterable[Port]) -> Service:
        """Return the service with these of its published ports, and no others."""
        left = tuple(ports)
        return self._replace(ports=left, raw={**self.raw, "ports": [port.raw for port in left]})

    def setting(self, key: str) -> Json:
        """Return the value of a key that no attribute stands for; None where the service does not set it."""
        return self.raw.get(key)


class Document(NamedTuple):
    """A resolved or a generated document."""

    name: str
    services: Mapping[str, Service]
    networks: Mapping[str, Network]
    volumes: Mapping[str, Volume]
    secrets: Mapping[str, Resource]
    configs: Mapping[str, Resource]
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json) -> Document:
        """Read a whole document; null is one without services. Raise ``WireError`` where a shape is wrong."""
        document = Section.of(value, "")
        return cls(
            name=document.text("name") or "",
            services=document.named("services", Service.decode),
            networks=document.named("networks", Network.decode),
            volumes=document.named("volumes", Volume.decode),
            secrets=document.named("secrets", Resource.decode),
            configs=document.named("configs", Resource.decode),
            raw=document.raw,
        )

    @property
    def enabled(self) -> dict[str, Service]:
        """The services without profiles: those that a release runs."""
        return {name: service for name, service in self.services.items() if not service.profiles}

    @property
    def resources(self) -> dict[str, Mapping[str, Resource]]:
        """The secrets and configs, by the key that defines them."""
        return {"secrets": self.secrets, "configs": self.configs}

    @property
    def mounted(self) -> set[str]:
        """The paths of the host that containers see: bind sources, and the files of secrets and configs."""
        binds = {mount.source for service in self.services.values() for mount in service.mounts if mount.type == "bind"}
        resources = (*self.secrets.values(), *self.configs.values())
        files = {resource.file for resource in resources if resource.file is not None}
        return {posixpath.normpath(source) for source in binds | files}

    def setting_aside(self, services: Collection[str]) -> Document:
        """Return the document with a profile for some services, so that no release runs them.

        What they build stays known: another service may name its image.
        """
        aside: dict[str, Json] = {
            name: {**service.raw, "profiles": [*service.profiles, SET_ASIDE]} if name in services else service.raw
            for name, service in self.services.items()
        }
        return Document.decode({**self.raw, "services": aside}) if services else self

    def replicas(self, services: Iterable[str]) -> dict[str, int]:
        """Return how many containers each of these services has; one that the document lacks is left out."""
        return {name: self.services[name].replicas for name in services if name in self.services}

    def is_external(self, volume: str) -> bool:
        """Return whether the document calls a volume external: somebody else creates it."""
        return volume in self.volumes and self.volumes[volume].external

    def engine_volume(self, name: str, project: str) -> str:
        """Return what the engine calls a volume when ``project`` runs the document: the file's own name, if any."""
        own_name = self.volumes[name].name if name in self.volumes else None
        derived = names.volume(self.name, name)
        return names.volume(project, name) if own_name in (None, derived) else str(own_name)


class WrittenService(NamedTuple):
    """What can hold a secret of a service in the file itself, with variables still in place."""

    environment: Mapping[str, str]
    labels: Mapping[str, str]
    build_args: Mapping[str, str]
    command: str
    entrypoint: str

    @classmethod
    def decode(cls, value: Json, at: str) -> WrittenService:
        service = Section.of(value, at)
        return cls(
            environment=service.pairs("environment"),
            labels=service.pairs("labels"),
            build_args={} if service.is_text("build") else service.section("build").pairs("args"),
            command=service.one_line("command"),
            entrypoint=service.one_line("entrypoint"),
        )


def written_services(document: Json) -> dict[str, WrittenService]:
    """Read the services of a document that is not interpolated."""
    return Section.of(document, "").named("services", WrittenService.decode)


def _unescaped(value: str) -> str:
    """Undo what Compose does to each ``$`` of a value, so that it can load the document again."""
    return value.replace("$$", "$")
