"""Why a deploy must not begin on a machine: each refusal names the obstacle and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from switchyard.control.certificates import covering
from switchyard.control.channel import Channel
from switchyard.control.operator_process import is_orphan
from switchyard.control.release import Release
from switchyard.core import names
from switchyard.core.app import Route
from switchyard.core.compose_document import Document
from switchyard.core.edge_names import require_alike
from switchyard.core.errors import LEASE_HELD, BadInput, NotChecked, Refused, refuse
from switchyard.core.held_routes import HeldRoute, describe_not_held, is_same, not_held
from switchyard.core.host_reach import Reach, reached_paths, sources_of
from switchyard.core.split import Split
from switchyard.core.split.host_sources import HostSource, Judgement, host_sources, judge_sources
from switchyard.core.wire.answers import ChecksAnswer, Files, Places
from switchyard.core.wire.facts import Facts, PlainContainer
from switchyard.core.wire.request import Waiver
from switchyard.settings.model import Host

RESERVE = 1 << 30
"""Bytes that must stay free on the disks of the application's root and of the engine."""
TOOLS = {"docker": "docker", "compose": "docker compose (v2)", "git": "git"}
"""Tools that a host must have, each with the name that a person knows."""


def refuse_busy(answers: Mapping[str, ChecksAnswer]) -> None:
    """Refuse machines whose lease is held, then those that lack a tool. ``answers`` are by the machine's name."""
    busy = [
        f"{machine}: {answer.held.why}"
        for machine, answer in answers.items()
        if answer.held is not None and not is_orphan(answer.held.holder)
    ]
    if busy:
        raise Refused("\n".join(busy), exit=LEASE_HELD)
    missing = [
        f"{machine}: {name} is not installed on this host. Install it, then run the command again"
        for machine, answer in answers.items()
        for tool, name in TOOLS.items()
        if answer.tools.get(tool) is None
    ]
    if missing:
        raise NotChecked("\n".join(missing))


def refuse_unfit(facts: Mapping[str, Facts], release: Release, host: Host) -> None:
    """Refuse a release with every reason of every machine. ``facts`` are by the machine's name."""
    refuse(reason for machine, its in facts.items() for reason in unfit(machine, its, release, host))


def unfit(machine: str, facts: Facts, release: Release, host: Host) -> list[str]:
    """Return why a machine cannot take a release.

    An apply was cut short there, it lacks disk or memory, its ports or volumes are taken, its edge lacks an address, or
    it would lose env keys.
    """
    reasons = [*facts.unfinished, *_full_disks(facts), *_little_memory(facts), *_absent_volumes(facts, release)]
    if facts.edge is None:
        reasons += [*_plain_project(facts, release), *_taken_ports(facts, release), *_full_volumes(facts, release)]
    else:
        reasons += [*_new_addresses(facts.edge, release, host), *_other_kinds(facts.edge, facts.routes, release)]
    reasons += [*_lost_env_keys(facts, release, host), *_absent_certificates(release, host)]
    return [f"{machine}: {reason}" for reason in reasons]


def judgement_of_release(channel: Channel, release: Release, root: str) -> Judgement:
    """Return what stands against the files and folders of a machine that services of a release mount."""
    return judgement_of_sources(channel, host_sources(release.document, release.app, release.contents.images, root))


def judgement_of_sources(channel: Channel, sources: Sequence[HostSource]) -> Judgement:
    """Ask a machine for files and folders that services mount of it, and return what stands against them."""
    if not sources:
        return Judgement((), ())
    paths = tuple(dict.fromkeys(source.path for source in sources))
    return judge_sources(sources, channel.ask(replace(channel.request("files"), paths=paths), Files).files)


def reached_there(channel: Channel, parts: Split, waivers: Iterable[Waiver]) -> list[Reach]:
    """Ask a machine where the paths lead that a release mounts or builds from, and return what is not its own there."""
    build, documents = Document.decode(parts.build), (parts.shared, parts.colours[names.COLOURS[0]])
    sources = [each for document in documents for each in sources_of(Document.decode(document), build)]
    paths = tuple(dict.fromkeys(source.path for source in sources))
    if not paths:
        return []
    answer, allowed = channel.ask(replace(channel.request("places"), paths=paths), Places), tuple(waivers)
    reached = dict.fromkeys(reached_paths(sources, answer.real, answer.place))
    return [reach for reach in reached if not reach.is_waived(allowed)]


def _full_disks(facts: Facts) -> Iterator[str]:
    for place, free in facts.disks.items():
        if free < RESERVE:
            yield (
                f"the disk of {place} has {free >> 20} MiB free, and a deploy needs {RESERVE >> 20}. Free some, for "
                "example with docker builder prune"
            )


def _little_memory(facts: Facts) -> Iterator[str]:
    if facts.memory_live and facts.memory_available < facts.memory_live:
        yield (
            f"a second colour needs about {facts.memory_live >> 20} MiB of memory, and "
            f"{facts.memory_available >> 20} are available"
        )


def _taken_ports(facts: Facts, release: Release) -> Iterator[str]:
    ports = [route.listen for route in release.split.routes if str(route.listen) in facts.listening]
    if ports:
        holders = "; ".join(f"port {port}, held by {facts.listening[str(port)]}" for port in ports)
        yield (
            f"{holders}. Give the route another address in invoke.yaml, for example listen: "
            '"127.0.0.1:18080", and point the proxy that holds the port there '
            "(nginx: proxy_pass http://127.0.0.1:18080; Caddy: reverse_proxy 127.0.0.1:18080)"
        )


def _new_addresses(addresses: Sequence[HeldRoute], release: Release, host: Host) -> Iterator[str]:
    new = not_held(addresses, release.split.routes)
    if new:
        yield describe_not_held(new, host.name)


def _other_kinds(addresses: Sequence[HeldRoute], live: Sequence[Route], release: Release) -> Iterator[str]:
    """Yield the addresses that the edge cannot hold for the live release and for this one at once."""
    for address in addresses:
        routes = [route for route in (*live, *release.split.routes) if is_same(route, address)]
        try:
            require_alike(address.public, routes)
        except BadInput as error:
            yield str(error)


def _absent_certificates(release: Release, host: Host) -> Iterator[str]:
    for name in dict.fromkeys(route.host for route in release.split.routes if route.tls):
        if covering(name, release.contents.certificates) is None:
            yield (
                f"app.routes: tls of {name}: the host has no certificate for it. Name its files: "
                f'hosts.{host.name}.certificates: {{"{name}": {{certificate: FILE, key: FILE}}}}'
            )


def _plain_project(facts: Facts, release: Release) -> Iterator[str]:
    """Yield that this application runs as a plain Compose project, which Switchyard did not start."""
    containers = _plain_containers(facts, release)
    if containers:
        project, folder = containers[0].project, containers[0].folder
        services = ", ".join(f"{container.service} ({container.state})" for container in containers)
        volumes = [(name, release.document.engine_volume(name, project)) for name in release.split.volumes]
        yield (
            f"this application already runs here as the plain project {project} in {folder}: {services}. "
            "Stop it (docker compose down, without -v), which also frees its ports, and take over its volumes with "
            f"these settings:\n{_takeover(volumes)}"
        )


def _full_volumes(facts: Facts, release: Release) -> Iterator[str]:
    """Yield that an empty volume would be created beside one that may hold this application's state.

    Those of a plain project that is there come with the advice on that project. One that is external is meant.
    """
    settings = release.app.volumes
    new = [name for name in release.split.volumes if name not in settings and not release.document.is_external(name)]
    named = {container.project for container in _plain_containers(facts, release)[:1]}
    projects = [project for project in _plain_projects(release) if project not in named]
    candidates = [(name, release.document.engine_volume(name, project)) for name in new for project in projects]
    existing = [(name, volume) for name, volume in dict.fromkeys(candidates) if volume in facts.volumes]
    if existing:
        yield (
            f"volumes of these names exist already: {', '.join(volume for _, volume in existing)}. If they "
            f"belong to this application, take them over with these settings:\n{_takeover(existing)}"
        )


def _absent_volumes(facts: Facts, release: Release) -> Iterator[str]:
    """Yield that an external volume is not there: an empty one must not stand in for it."""
    absent = [
        (name, volume)
        for name, volume in release.split.volumes.items()
        if (name in release.app.volumes or release.document.is_external(name)) and volume not in facts.volumes
    ]
    if absent:
        volumes = ", ".join(f"{volume} (external, for {name} of {release.app.compose})" for name, volume in absent)
        yield (
            f"this host has no volume {volumes}. Correct the name (app.volumes), or create it first: docker volume "
            f"create --label {names.APP}={release.app.name} {absent[0][1]}"
        )


def _lost_env_keys(facts: Facts, release: Release, host: Host) -> Iterator[str]:
    live_keys = facts.live.env_keys if facts.live is not None else None
    dropped = set(release.contents.dropped)
    unknown = sorted(dropped - set(live_keys or ()))
    if unknown:
        yield f"--drop-env {','.join(unknown)}: the live release has no such env key. Leave it out"
    lost = sorted(set(live_keys or ()) - set(release.variables) - dropped)
    if lost:
        yield (
            f"the live release has env keys that this release lacks: {', '.join(lost)}. Add them to "
            f"hosts.{host.name}.env, or drop them for good: --drop-env {','.join(lost)}"
        )


def _plain_containers(facts: Facts, release: Release) -> list[PlainContainer]:
    return [container for container in facts.others if container.project in _plain_projects(release)]


def _plain_projects(release: Release) -> list[str]:
    """Return the names under which Compose would have run the application without Switchyard."""
    return [release.app.name, release.document.name]


def _takeover(volumes: Iterable[tuple[str, str]]) -> str:
    return "\n".join(["  volumes:", *(f"    {name}: {{external: {volume}}}" for name, volume in volumes)])
