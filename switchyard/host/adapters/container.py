"""Containers as Docker's engine describes them: in its list, and each alone."""

from __future__ import annotations

import calendar
import time
from collections.abc import Mapping
from typing import NamedTuple

from switchyard.core import names
from switchyard.core.kinds import is_in_shared_project, kind_named
from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
WORKING_DIR = "com.docker.compose.project.working_dir"


class Mount(NamedTuple):
    """A volume or a folder of the host in a container."""

    volume: str
    """The engine's name of the volume; empty for a folder."""
    source: str
    is_writable: bool

    @classmethod
    def decode(cls, value: Json, at: str) -> Mount:
        mount = Section.of(value, at)
        return cls(mount.text("Name") or "", mount.text("Source") or "", mount.flag("RW", default=True))


class Container(NamedTuple):
    """A container as the engine lists it."""

    id: str
    name: str
    image: str
    image_id: str
    state: str
    labels: Mapping[str, str]
    mounts: tuple[Mount, ...]
    ports: tuple[int, ...]
    """Published ports of the host."""
    addresses: tuple[str, ...]
    """The address in each network that gave one."""

    @classmethod
    def decode(cls, value: Json, at: str = "") -> Container:
        container = Section.of(value, at)
        given_names = container.words("Names")
        ports = container.each("Ports", lambda port, place: Section.of(port, place).number("PublicPort"))
        return cls(
            id=container.text("Id") or "",
            name=given_names[0].lstrip("/") if given_names else "",
            image=container.text("Image") or "",
            image_id=container.text("ImageID") or "",
            state=container.text("State") or "",
            labels=container.pairs("Labels"),
            mounts=container.each("Mounts", Mount.decode),
            ports=tuple(port for port in ports if port),
            addresses=_addresses(container),
        )

    @property
    def app(self) -> str | None:
        """The application of Switchyard that it belongs to; None for any other container."""
        return self.labels.get(names.APP)

    @property
    def colour(self) -> str | None:
        return self.labels.get(names.COLOUR)

    @property
    def kind(self) -> str | None:
        return self.labels.get(names.KIND)

    @property
    def release(self) -> str:
        """The release that it was created for; empty where its project is no colour."""
        return self.labels.get(names.RELEASE, "")

    @property
    def service(self) -> str:
        """Its Compose service; ``?`` where Compose did not create it."""
        return self.labels.get(SERVICE, "?")

    @property
    def project(self) -> str:
        return self.labels.get(PROJECT, "?")

    @property
    def folder(self) -> str:
        """The folder in which somebody ran Compose for its project."""
        return self.labels.get(WORKING_DIR, "?")

    @property
    def number(self) -> int:
        """Its place among the containers of its service."""
        return int(self.labels.get(NUMBER, "0"))

    @property
    def is_running(self) -> bool:
        return self.state == "running"

    @property
    def is_paused(self) -> bool:
        return self.state == "paused"

    @property
    def is_up(self) -> bool:
        """Whether it runs, comes back by itself, or is paused: it ends only when somebody stops it."""
        return self.state in ("running", "restarting", "paused")

    @property
    def is_singleton(self) -> bool:
        """Whether at most one colour may run its service."""
        kind = kind_named(self.kind)
        return kind is not None and kind.at_most_one

    @property
    def is_exclusive(self) -> bool:
        """Whether the edge holds requests to it while its service is handed over."""
        kind = kind_named(self.kind)
        return kind is not None and kind.is_held

    @property
    def is_of_shared_project(self) -> bool:
        """Whether it runs a shared service."""
        return is_in_shared_project(self.kind)

    @property
    def is_of_colour(self) -> bool:
        """Whether it runs a service of a colour, oneshots apart."""
        kind = kind_named(self.kind)
        return self.colour is not None and kind is not None and kind.stays_up_in_colour


class RestartPolicy(NamedTuple):
    """When the engine restarts a container."""

    name: str
    most: int = 0
    """How often; 0 for no limit."""

    @classmethod
    def of(cls, policy: Section) -> RestartPolicy:
        return cls(policy.text("Name") or "no", policy.number("MaximumRetryCount") or 0)

    def encode(self) -> dict[str, Json]:
        return {"Name": self.name, "MaximumRetryCount": self.most}


class ContainerDetails(NamedTuple):
    """What the engine tells of one container when it is asked for it alone."""

    id: str
    status: str
    is_running: bool
    """True also for one that restarts or is paused."""
    started_at: str
    """When it started last, as RFC 3339 in UTC."""
    exit_code: int
    is_oom_killed: bool
    health: str
    """What the engine's own health check says; empty where there is none."""
    restart_count: int
    restart_policy: RestartPolicy
    healthcheck: tuple[str, ...]
    """The declared test; empty where there is none."""
    addresses: tuple[str, ...]
    """The address in each network that gave one."""

    @classmethod
    def decode(cls, value: Json, at: str = "") -> ContainerDetails:
        details = Section.of(value, at)
        state = details.section("State")
        return cls(
            id=details.text("Id") or "",
            status=state.text("Status") or "",
            is_running=state.flag("Running"),
            started_at=state.text("StartedAt") or "",
            exit_code=state.number("ExitCode") or 0,
            is_oom_killed=state.flag("OOMKilled"),
            health=state.section("Health").text("Status") or "",
            restart_count=details.number("RestartCount") or 0,
            restart_policy=RestartPolicy.of(details.section("HostConfig").section("RestartPolicy")),
            healthcheck=details.section("Config").section("Healthcheck").words("Test"),
            addresses=_addresses(details),
        )

    @property
    def started(self) -> float:
        """When it started last, in seconds since the epoch, rounded down."""
        return float(calendar.timegm(time.strptime(self.started_at[:19], "%Y-%m-%dT%H:%M:%S")))

    @property
    def address(self) -> str:
        """Its address in its first network; empty where it has none."""
        return next(iter(self.addresses), "")

    @property
    def health_command(self) -> tuple[str, ...] | None:
        """The declared health check as a command; None where there is none."""
        kind, *words = self.healthcheck or ("NONE",)
        if kind == "CMD":
            return tuple(words)
        return ("/bin/sh", "-c", words[0]) if kind == "CMD-SHELL" and words else None


def _addresses(container: Section) -> tuple[str, ...]:
    networks = container.section("NetworkSettings").named("Networks", Section.of)
    addresses = (network.text("IPAddress") for network in networks.values())
    return tuple(address for address in addresses if address)
