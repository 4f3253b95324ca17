"""The parts of a Compose document below its services, each with the keys that Switchyard reads.

They are named tuples: the host program reads documents too, and starts faster than with dataclasses.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section

PORT_MAX = 65535
EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})
"""The host addresses that stand for every address of the host."""


class Port(NamedTuple):
    """One entry of ``ports``."""

    target: int | None
    """The container's port."""
    published: str
    """The host's port, or a range; empty where the engine picks a free one."""
    protocol: str
    """In lower case."""
    host_ip: str
    """The address of the host, without brackets; empty for every address."""
    app_protocol: str
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json, at: str) -> Port:
        port = Section.of(value, at)
        published = port.spelled("published")
        return cls(
            target=port.number("target"),
            published="" if published == "0" else published,
            protocol=(port.text("protocol") or "tcp").lower(),
            host_ip=(port.text("host_ip") or "").strip("[]"),
            app_protocol=port.text("app_protocol") or "",
            raw=port.raw,
        )

    @property
    def number(self) -> int | None:
        """The port of the host, where the file names one."""
        return int(self.published) if self.published.isdigit() else None

    @property
    def is_malformed(self) -> bool:
        """Whether the engine would refuse it. Compose lets any text of the long syntax through."""
        words = self.published.split("-", 1) if self.published else []
        if not all(word.isdigit() and 1 <= int(word) <= PORT_MAX for word in words):
            return True
        return self.target is None or (len(words) == 2 and int(words[0]) > int(words[1]))

    @property
    def spelling(self) -> str:
        """The entry in the short syntax."""
        address = f"[{self.host_ip}]" if ":" in self.host_ip else self.host_ip
        host = f"{address}:{self.published}" if address else self.published
        target = "?" if self.target is None else self.target
        return f"{host}:{target}".removeprefix(":") + ("" if self.protocol == "tcp" else f"/{self.protocol}")

    @property
    def is_on_every_address(self) -> bool:
        return self.host_ip in EVERY_ADDRESS


class Mount(NamedTuple):
    """One entry of a service's ``volumes``."""

    type: str
    source: str
    """A path of the host, or a volume of the document; empty for an anonymous volume or a tmpfs."""
    target: str
    """The path in the container."""
    read_only: bool
    create_host_path: bool
    """Whether the engine creates a bind source that is missing."""
    bind: Mapping[str, Json]
    """Its options as a bind."""
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json, at: str) -> Mount:
        mount = Section.of(value, at)
        bind = mount.section("bind")
        return cls(
            type=mount.text("type") or "",
            source=mount.text("source") or "",
            target=posixpath.normpath(mount.text("target") or "/"),
            read_only=mount.flag("read_only"),
            create_host_path=bind.flag("create_host_path", default=True),
            bind=bind.raw,
            raw=mount.raw,
        )


class Grant(NamedTuple):
    """A service's use of a secret or a config."""

    source: str
    target: str
    """The path in the container; a relative one is below the folder that Compose gives."""
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json, at: str) -> Grant:
        grant = Section.of({"source": value} if isinstance(value, str) else value, at)
        source = grant.text("source") or ""
        target = grant.text("target") or source
        return cls(source, target, {**grant.raw, "source": source, "target": target})


class Build(NamedTuple):
    """``build``, in its long form."""

    context: str
    dockerfile: str
    dockerfile_inline: str | None
    target: str | None
    additional_contexts: Mapping[str, str]
    labels: Mapping[str, str]
    tags: tuple[str, ...]
    args: Mapping[str, str]
    secrets: tuple[Grant, ...]
    ssh: tuple[str, ...]
    """The ids of SSH keys."""
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json, at: str) -> Build:
        build = Section.of({"context": value} if isinstance(value, str) else value, at)
        return cls(
            context=build.text("context") or ".",
            dockerfile=build.text("dockerfile") or "Dockerfile",
            dockerfile_inline=build.text("dockerfile_inline"),
            target=build.text("target"),
            additional_contexts=build.pairs("additional_contexts"),
            labels=build.pairs("labels"),
            tags=build.words("tags"),
            args=build.pairs("args"),
            secrets=build.each("secrets", Grant.decode),
            ssh=build.each("ssh", _key),
            raw=build.raw,
        )

    def sets(self, key: str) -> bool:
        """Return whether a key that no attribute stands for has a value."""
        return bool(self.raw.get(key))


class RestartPolicy(NamedTuple):
    """``deploy.restart_policy``."""

    condition: str
    max_attempts: int | None


class Deploy(NamedTuple):
    """``deploy``."""

    mode: str
    replicas: int | None
    restart_policy: RestartPolicy | None
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json, at: str) -> Deploy:
        deploy = Section.of(value, at)
        policy = deploy.section("restart_policy")
        condition, most = policy.text("condition") or "any", policy.number("max_attempts")
        return cls(
            mode=deploy.text("mode") or "replicated",
            replicas=deploy.number("replicas"),
            restart_policy=RestartPolicy(condition, most) if policy.raw else None,
            raw=deploy.raw,
        )


class Healthcheck(NamedTuple):
    """``healthcheck``."""

    test: tuple[str, ...]
    disable: bool

    @classmethod
    def decode(cls, value: Json, at: str) -> Healthcheck:
        check = Section.of(value, at)
        command = check.spelled("test") if check.is_text("test") else ""
        test = ("CMD-SHELL", command) if command not in ("", "NONE") else check.words("test")
        return cls(test, check.flag("disable"))

    @property
    def is_off(self) -> bool:
        """Whether it switches off the health check of the image."""
        return self.disable or self.test == ("NONE",)


class Logging(NamedTuple):
    """``logging``."""

    driver: str
    options: Mapping[str, str]

    @classmethod
    def decode(cls, value: Json, at: str) -> Logging:
        logging = Section.of(value, at)
        return cls(logging.text("driver") or "json-file", logging.pairs("options"))


class Attachment(NamedTuple):
    """A service's entry for one network."""

    aliases: tuple[str, ...]
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json, at: str) -> Attachment:
        attachment = Section.of(value, at)
        return cls(attachment.words("aliases"), attachment.raw)

    def sets(self, key: str) -> bool:
        """Return whether a key that no attribute stands for has a value."""
        return bool(self.raw.get(key))


class Dependency(NamedTuple):
    """A service's entry for one service that it depends on."""

    condition: str
    raw: Mapping[str, Json]

    @classmethod
    def decode(cls, value: Json, at: str) -> Dependency:
        dependency = Section.of(value, at)
        return cls(dependency.text("condition") or "service_started", dependency.raw)


class Network(NamedTuple):
    """A network of the document."""

    external: bool
    internal: bool

    @classmethod
    def decode(cls, value: Json, at: str) -> Network:
        network = Section.of(value, at)
        return cls(network.flag("external"), network.flag("internal"))


class Volume(NamedTuple):
    """A volume of the document."""

    name: str | None
    """Its name in the engine, where the document gives one."""
    external: bool
    has_own_driver: bool
    """Whether it names a driver other than ``local``, or options for one."""

    @classmethod
    def decode(cls, value: Json, at: str) -> Volume:
        volume = Section.of(value, at)
        has_own_driver = volume.text("driver") not in (None, "local") or volume.has("driver_opts")
        return cls(volume.text("name"), volume.flag("external"), has_own_driver)


class Resource(NamedTuple):
    """A secret or a config of the document."""

    file: str | None = None
    content: str | None = None
    environment: str | None = None
    """The variable with its content, which nothing sets."""

    @classmethod
    def decode(cls, value: Json, at: str) -> Resource:
        resource = Section.of(value, at)
        content = resource.spelled("content") if "content" in resource.raw else None
        return cls(resource.text("file"), content, resource.text("environment"))


def _key(value: Json, at: str) -> str:
    """Return the id of an SSH key in an entry ``ID`` or ``ID=PATH``. Its path is of the machine that wrote the file."""
    return str(value).partition("=")[0]
