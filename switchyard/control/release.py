"""All that is known of a release before anything is sent, and what must not begin."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from switchyard.control import commit as source
from switchyard.control import commit_files, completeness, compose
from switchyard.control.channel import is_orphan
from switchyard.control.screen import Screen
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import LEASE_HELD, NotChecked, Refused
from switchyard.core.split import Split, split
from switchyard.settings.model import Host

RESERVE = 1 << 30
"""Bytes that must be free on the disks of the application's root and of the engine."""


@dataclass(frozen=True)
class Carried:
    """What a commit carries with its host's env, whichever machine it is for."""

    app: App
    document: Document
    env: str
    values: Mapping[str, str]
    """The variables of the env."""
    migrations: tuple[str, ...]
    """The names of the migration files in the commit."""


@dataclass(frozen=True)
class Ready(Carried):
    """All that is known before anything is sent."""

    split: Split
    release: str


def carried(env: str, app: App, picked: source.Source) -> Carried:
    """Read from a clean export of the commit. Raises ``Refused`` where it lacks what a release of it needs."""
    with tempfile.TemporaryDirectory(prefix="switchyard-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        commit_files.export(picked.repository, picked.commit, folder)
        values = compose.env_values(env)
        document = compose.resolve(folder, app, values)
        problems = completeness.problems(picked.repository, picked.commit, document, folder, app)
        pattern = app.migrations.files if app.migrations is not None else None
        migrations = tuple(sorted(path.name for path in (folder / app.path).glob(pattern))) if pattern else ()
        if problems:
            raise Refused("the commit does not carry all that it needs:\n" + "\n".join(problems))
    return Carried(app, document, env, values, migrations)


def make_ready(found: Carried, facts: Mapping[str, Any], picked: source.Source, screen: Screen) -> Ready:
    """A release of what the commit carries, for the root that a machine's facts tell."""
    release = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + picked.commit[:7]
    tracked = commit_files.tracked(picked.repository, picked.commit)
    where = {"root": facts["root"], "folder": picked.folder}
    parts = split(found.document, app=found.app, release=release, tracked=tracked, **where)
    for note in parts.notes:
        screen.say(f"  note: {note}", "dim")
    return Ready(**vars(found), split=parts, release=release)


TOOLS = {"docker": "docker", "compose": "docker compose (v2)", "git": "git"}
"""What a host must have, as a person calls it."""


def require_host(machine: str, seen: Mapping[str, Any]) -> None:
    """That the host could take a deploy now: nobody holds the lease, and the tools are there."""
    if seen["held"] and not is_orphan(seen["held"]["holder"]):
        raise Refused(f"{machine}: {seen['held']['why']}", exit=LEASE_HELD)
    for name, called in TOOLS.items():
        if seen["tools"].get(name) is None:
            raise NotChecked(f"{machine}: {called} is not installed on this host; install it there and type it again")


def refuse(machine: str, facts: Mapping[str, Any], ready: Ready, host: Host) -> None:
    """What must not begin: too little disk or memory, addresses taken, a plain project, a lost env key."""
    for place, free in facts["disks"].items():
        if free < RESERVE:
            raise Refused(
                f"{machine}: {free >> 20} MiB of the disk of {place} are free, {RESERVE >> 20} are needed. "
                "Free some, for example with docker builder prune"
            )
    if facts["memory_live"] and facts["memory_available"] < facts["memory_live"]:
        raise Refused(
            f"{machine}: a second colour needs about {facts['memory_live'] >> 20} MiB of memory, "
            f"{facts['memory_available'] >> 20} are available"
        )
    if facts["edge"] is None:
        taken = [
            f"{route.listen}, held by {facts['listening'][str(route.listen)]}"
            for route in ready.split.routes
            if str(route.listen) in facts["listening"]
        ]
        if taken:
            raise Refused(
                f"{machine}: port {'; port '.join(taken)}. Give the route another address in invoke.yaml, for "
                'example listen: "127.0.0.1:18080", and point the proxy that holds the port there '
                "(nginx: proxy_pass http://127.0.0.1:18080; Caddy: reverse_proxy 127.0.0.1:18080)"
            )
        _refuse_plain(machine, facts, ready)
    live = facts["live"]
    lost = sorted(set(live["env_keys"] or ()) - set(ready.values)) if live else []
    if lost:
        raise Refused(
            f"{machine}: the live release has env keys that this one lacks: {', '.join(lost)}. Add them to "
            f"hosts.{host.name}.env"
        )


def _refuse_plain(machine: str, facts: Mapping[str, Any], ready: Ready) -> None:
    """State of this application that is here already: never an empty volume beside a full one."""
    projects = [ready.app.name, ready.document.name]
    plain = [other for other in facts["others"] if other["project"] in projects]
    if plain:
        words = ", ".join(f"{other['service']} ({other['state']})" for other in plain)
        volumes = [(short, _volume(ready, short, plain[0]["project"])) for short in ready.split.volumes]
        raise Refused(
            f"{machine}: this application runs here already as the plain project {plain[0]['project']} in "
            f"{plain[0]['folder']}: {words}. Stop it (docker compose down, without -v) and take its volumes "
            f"over with these settings:\n{_takeover(volumes)}"
        )
    untaken = [short for short in ready.split.volumes if short not in ready.app.volumes]
    found = [(short, _volume(ready, short, project)) for short in untaken for project in projects]
    full = [(short, name) for short, name in dict.fromkeys(found) if name in facts["volumes"]]
    if full:
        raise Refused(
            f"{machine}: volumes of these names exist already: {', '.join(name for _, name in full)}. If they are this "
            f"application's, take them over with:\n{_takeover(full)}"
        )


def _volume(ready: Ready, short: str, project: str) -> str:
    return ready.document.engine_volume(short, project)


def _takeover(volumes: Iterable[tuple[str, str]]) -> str:
    return "\n".join(["  volumes:", *(f"    {short}: {{external: {name}}}" for short, name in volumes)])


def header(ready: Ready, picked: source.Source) -> dict[str, Any]:
    parts = ready.split
    return {
        "id": ready.release,
        "commit": picked.commit,
        "subject": picked.subject,
        "app": ready.app.encode(),
        "routes": [asdict(route) for route in parts.routes],
        "kinds": {name: kind.kind for name, kind in parts.kinds.items()},
        "front": list(parts.front),
        "handover": list(parts.handover),
        "oneshots": list(parts.oneshots),
        "volumes": sorted(parts.volumes.values()),
        "data": list(parts.data),
        "shared_files": list(parts.shared_files),
        "pulls": parts.pulls,
        "notes": list(parts.notes),
        "compose": ready.document.raw,
        "colours": parts.colours,
        "shared": parts.shared,
        "build": parts.build,
        "env": ready.env,
        "values": sorted(ready.values.values()),
        "env_keys": sorted(ready.values),
    }
