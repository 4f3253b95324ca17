"""Why a deploy must not begin on a machine: each refusal names the obstacle and the way out."""

from __future__ import annotations

from collections.abc import Iterable

from switchyard.control.operator_process import is_orphan
from switchyard.control.release import Release
from switchyard.core.errors import LEASE_HELD, NotChecked, Refused
from switchyard.core.wire.answers import ChecksAnswer
from switchyard.core.wire.facts import Facts
from switchyard.settings.model import Host

RESERVE = 1 << 30
"""Bytes that must stay free on the disks of the application's root and of the engine."""
TOOLS = {"docker": "docker", "compose": "docker compose (v2)", "git": "git"}
"""Tools that a host must have, each with the name that a person knows."""


def refuse_busy(machine: str, answer: ChecksAnswer) -> None:
    """Refuse a machine whose lease is held, and one that lacks a tool."""
    if answer.held is not None and not is_orphan(answer.held.holder):
        raise Refused(f"{machine}: {answer.held.why}", exit=LEASE_HELD)
    for tool, name in TOOLS.items():
        if answer.tools.get(tool) is None:
            raise NotChecked(f"{machine}: {name} is not installed on this host. Install it, then run the command again")


def refuse_unfit(machine: str, facts: Facts, release: Release, host: Host) -> None:
    """Refuse a machine that lacks disk or memory, whose ports or volumes are taken, or that would lose env keys."""
    _refuse_full_disk(machine, facts)
    _refuse_little_memory(machine, facts)
    if facts.edge is None:
        _refuse_taken_ports(machine, facts, release)
        _refuse_plain_project(machine, facts, release)
        _refuse_full_volumes(machine, facts, release)
    _refuse_lost_env_keys(machine, facts, release, host)


def _refuse_full_disk(machine: str, facts: Facts) -> None:
    for place, free in facts.disks.items():
        if free < RESERVE:
            raise Refused(
                f"{machine}: the disk of {place} has {free >> 20} MiB free, and a deploy needs {RESERVE >> 20}. Free "
                "some, for example with docker builder prune"
            )


def _refuse_little_memory(machine: str, facts: Facts) -> None:
    if facts.memory_live and facts.memory_available < facts.memory_live:
        raise Refused(
            f"{machine}: a second colour needs about {facts.memory_live >> 20} MiB of memory, and "
            f"{facts.memory_available >> 20} are available"
        )


def _refuse_taken_ports(machine: str, facts: Facts, release: Release) -> None:
    ports = [route.listen for route in release.split.routes if str(route.listen) in facts.listening]
    if ports:
        holders = "; ".join(f"port {port}, held by {facts.listening[str(port)]}" for port in ports)
        raise Refused(
            f"{machine}: {holders}. Give the route another address in invoke.yaml, for example listen: "
            '"127.0.0.1:18080", and point the proxy that holds the port there '
            "(nginx: proxy_pass http://127.0.0.1:18080; Caddy: reverse_proxy 127.0.0.1:18080)"
        )


def _refuse_plain_project(machine: str, facts: Facts, release: Release) -> None:
    """Refuse while this application runs as a plain Compose project, which Switchyard did not start."""
    projects = _plain_projects(release)
    containers = [container for container in facts.others if container.project in projects]
    if containers:
        project, folder = containers[0].project, containers[0].folder
        services = ", ".join(f"{container.service} ({container.state})" for container in containers)
        volumes = [(name, release.document.engine_volume(name, project)) for name in release.split.volumes]
        raise Refused(
            f"{machine}: this application already runs here as the plain project {project} in {folder}: {services}. "
            "Stop it (docker compose down, without -v) and take over its volumes with these settings:\n"
            f"{_takeover(volumes)}"
        )


def _refuse_full_volumes(machine: str, facts: Facts, release: Release) -> None:
    """Refuse to create an empty volume beside one that may hold this application's state."""
    new = [name for name in release.split.volumes if name not in release.app.volumes]
    candidates = [(name, release.document.engine_volume(name, p)) for name in new for p in _plain_projects(release)]
    existing = [(name, volume) for name, volume in dict.fromkeys(candidates) if volume in facts.volumes]
    if existing:
        raise Refused(
            f"{machine}: volumes of these names exist already: {', '.join(volume for _, volume in existing)}. If they "
            f"belong to this application, take them over with these settings:\n{_takeover(existing)}"
        )


def _refuse_lost_env_keys(machine: str, facts: Facts, release: Release, host: Host) -> None:
    live_keys = facts.live.env_keys if facts.live is not None else None
    lost = sorted(set(live_keys or ()) - set(release.variables))
    if lost:
        raise Refused(
            f"{machine}: the live release has env keys that this release lacks: {', '.join(lost)}. Add them to "
            f"hosts.{host.name}.env"
        )


def _plain_projects(release: Release) -> list[str]:
    """Return the names under which Compose would have run the application without Switchyard."""
    return [release.app.name, release.document.name]


def _takeover(volumes: Iterable[tuple[str, str]]) -> str:
    return "\n".join(["  volumes:", *(f"    {name}: {{external: {volume}}}" for name, volume in volumes)])
