"""Looks at this machine and says what it is, as a ``Site``."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from switchyard.core import edge, names
from switchyard.core.app import App, Route
from switchyard.core.errors import Refused
from switchyard.core.site import Site, Slot
from switchyard.host.adapters import engine
from switchyard.host.adapters.engine import Container
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store, now, read_json
from switchyard.host.attempt import Attempt

LAST = 5
"""How many times of a step tell how long it usually takes."""


def site(attempt: Attempt) -> Site:
    """This machine now, as the wanted release sees it."""
    app, store, record = attempt.request["app"], attempt.store, attempt.record
    containers = engine.containers(f"{names.APP}={app}")
    slots = {colour: slot(attempt, colour, containers) for colour in names.COLOURS}
    found = Site(
        blue=slots["blue"],
        green=slots["green"],
        proxy=attempt.proxy.live(),
        map_file=attempt.proxy.file_live(),
        shared=shared_state(store, app, record, containers),
        stage=stage(record),
        smoke=attempt.memory.smoke,
        verdict=attempt.memory.verdict,
        now=now(),
    )
    return replace(found, edge=edge_state(attempt, found, containers))


def of_colour(containers: Iterable[Container], colour: str) -> list[Container]:
    """The containers of a colour's services, oneshots apart."""
    return [container for container in containers if container.is_of_colour and container.colour == colour]


def slot(attempt: Attempt, colour: str, containers: Iterable[Container]) -> Slot:
    """One colour: its release, and how its services are."""
    mine = of_colour(containers, colour)
    if not mine:
        return Slot()
    release = mine[0].release or None
    record = attempt.store.record(release or "") or {}
    front = [c for c in mine if not c.is_singleton]
    single = [c for c in mine if c.is_singleton]
    return Slot(
        release=release,
        front=group_state(attempt, f"front {colour}", front, wanted_count(attempt.store, record, colour)),
        single=single_state(attempt, f"single {colour}", single) if single or record.get("handover") else "unused",
    )


def wanted_count(store: Store, record: Mapping[str, Any], colour: str) -> int:
    """How many routed and plain containers a release has."""
    document = read_json(store.release(record.get("id", "")) / f"{colour}.json")
    return sum(wanted(document, record.get("front", ()), store.scales()).values())


def wanted(
    document: Mapping[str, Any] | None, services: Iterable[str], scales: Mapping[str, int] | None = None
) -> dict[str, int]:
    """How many containers each of these services of a document has: as was asked for, else as the document says."""
    known = (document or {}).get("services") or {}
    replicas = {name: int((known[name].get("deploy") or {}).get("replicas", 1)) for name in services if name in known}
    return {name: (scales or {}).get(name, count) for name, count in replicas.items()}


def lacking(containers: Iterable[Container], wanted: Mapping[str, int]) -> dict[str, str]:
    """The services of which fewer containers run than are wanted, each with how many do."""
    running = Counter(c.service for c in containers if c.is_running)
    return {name: f"{running[name]} of {count}" for name, count in wanted.items() if running[name] < count}


def group_state(attempt: Attempt, key: str, containers: list[Container], wanted: int) -> str:
    """none, stopped, starting, healthy or failed."""
    if not containers:
        return "none"
    running = [c for c in containers if c.is_running]
    if key in attempt.memory.failed:
        return "failed"
    if len(running) < max(wanted, 1):
        return "starting" if key in attempt.memory.started else "stopped"
    return "healthy" if attempt.memory.proven.get(key) == identity(running) else "starting"


def single_state(attempt: Attempt, key: str, containers: list[Container]) -> str:
    """none, stopped, running, healthy or failed."""
    if key in attempt.memory.failed:
        return "failed"
    running = [c for c in containers if c.is_up]
    if not running:
        return "running" if key in attempt.memory.started else ("stopped" if containers else "none")
    return "healthy" if attempt.memory.proven.get(key) == identity(running) else "running"


def identity(containers: Iterable[Container]) -> frozenset[tuple[str, str]]:
    """What a proof is about: these containers, started when they were."""
    found = set()
    for container in containers:
        details = engine.inspect(container.id)
        if details is not None:
            found.add((details.id, details.started_at))
    return frozenset(found)


def shared_state(store: Store, app: str, record: Mapping[str, Any], containers: Iterable[Container]) -> str:
    """Whether every shared service of the release runs."""
    running = {c.service for c in containers if c.is_of_shared_project and c.is_running}
    ready = (store.shared / "ready").exists() and all(
        engine.has_network(names.network(app, colour)) for colour in names.COLOURS
    )
    return "healthy" if ready and set(record.get("shared", ())) <= running else "absent"


def edge_state(attempt: Attempt, site: Site, containers: Iterable[Container]) -> str:
    """absent, stale, or current for the wanted release."""
    if not any(c.kind == "edge" and c.is_running for c in containers):
        return "absent"
    if not attempt.release:
        return "current"
    try:
        text = (attempt.store.edge / "cfg" / "haproxy.cfg").read_text()
    except FileNotFoundError:
        return "absent"
    backends = set(edge.preview_names(attempt.routes))
    current = text == wanted_configuration(attempt, site) and backends <= attempt.proxy.backends()
    return "current" if current else "stale"


def wanted_configuration(attempt: Attempt, site: Site) -> str:
    """HAProxy's configuration for the wanted release on the edge that is here; what is live keeps its own checks."""
    apps = {colour: settings(attempt, release) for colour, release in site.once_up(attempt.release).items()}
    return edge.configuration(edge_routes(attempt), apps)


def settings(attempt: Attempt, release: str) -> App:
    """A release's own settings; of one whose release.json is gone, none."""
    record = attempt.store.record(release)
    return App.decode(record["app"]) if record else App(attempt.request["app"])


def routes(attempt: Attempt, release: str) -> list[Route]:
    """A release's own routes; of one whose release.json is gone, those of the wanted one."""
    record = attempt.store.record(release) or attempt.record
    return [Route(**route) for route in record["routes"]]


def edge_routes(attempt: Attempt) -> list[Route]:
    """The edge's addresses in the order in which they were published, with the wanted release's options."""
    published = read_json(attempt.store.edge / "routes.json")
    if published is None:
        return list(attempt.routes)
    wanted = {route.name: route for route in attempt.routes}
    held = [(route, wanted.get(route.name, route)) for route in (Route(**route) for route in published)]
    return [replace(route, mode=options.mode, affinity=options.affinity) for route, options in held]


def not_held(attempt: Attempt) -> list[str]:
    """The wanted release's routes that the edge has no address for."""
    held = {route.name for route in edge_routes(attempt)}
    return [f"{route.service}:{route.port}" for route in attempt.routes if route.name not in held]


def stage(record: Mapping[str, Any]) -> str:
    """How far a release is, from its recorded outcomes."""
    if not record.get("received"):
        return "absent"
    images = record.get("images")
    if not images or any(engine.image_id(image) is None for image in set(images.values())):
        return "received"
    outcomes = record.get("outcomes", {})
    if any(outcome.get("exit") for outcome in outcomes.values()):
        return "broken"
    ran = all(outcomes.get(name, {}).get("exit") == 0 for name in record.get("oneshots", ()))
    return "ran" if ran else "built"


def facts(store: Store, app: str) -> dict[str, Any]:
    """What the operator's side needs to know before it sends anything."""
    memory = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line)
    records = store.records()
    colour, containers = _live_colour(store), engine.containers(f"{names.APP}={app}")
    record = _held(store, containers, colour)
    return {
        "root": str(store.root),
        "uid": os.getuid(),
        "disks": disks(str(store.root), engine.info().root),
        "memory_available": int(memory["MemAvailable"].split()[0]) * 1024,
        "live": summary(record, colour),
        "checks": ((record or {}).get("app") or {}).get("checks") or {},
        "number": records[0]["number"] if records else 0,
        "commits": [record["commit"] for record in records if record.get("received")][:20],
        "edge": read_json(store.edge / "routes.json"),
        "others": plain_projects(app),
        "volumes": engine.volumes(),
        "listening": listening(),
        "shared": sorted((read_json(store.shared / "wanted.json") or {}).get("services") or ()),
        "memory_live": sum(engine.memory_used(c) for c in of_colour(containers, colour)),
    }


def disks(*places: str) -> dict[str, int]:
    """Free bytes of each file system that one of these places lies on, by the first of them."""
    found: dict[int, tuple[str, int]] = {}
    for place in places:
        with contextlib.suppress(OSError):  # an engine may keep its data on another machine
            found.setdefault(os.stat(place).st_dev, (place, shutil.disk_usage(place).free))
    return dict(found.values())


def live(store: Store, app: str) -> dict[str, Any] | None:
    """The release that is live, as the operator's side shows it."""
    colour = _live_colour(store)
    return summary(_held(store, engine.containers(f"{names.APP}={app}"), colour), colour)


def _live_colour(store: Store) -> str:
    proxy = Proxy(store)
    colour = proxy.live()
    return proxy.file_live() if colour == "down" else colour


def _held(store: Store, containers: Iterable[Container], colour: str) -> dict[str, Any] | None:
    """The record of the release whose containers a colour holds."""
    held = of_colour(containers, colour)
    return store.record(held[0].release) if held else None


def summary(record: Mapping[str, Any] | None, colour: str) -> dict[str, Any] | None:
    """What the operator's side shows of a release."""
    if record is None:
        return None
    kept = ("id", "number", "commit", "subject", "state", "since", "env_keys", "kinds", "head")
    return {"colour": colour, **{key: record.get(key) for key in kept}}


def usual(store: Store) -> dict[str, float]:
    """Seconds that each step took here, the median of the last times."""
    taken: dict[str, list[float]] = {}
    for entry in store.journal()[0]:
        if entry.get("what") == "done" and "seconds" in entry:
            taken.setdefault(entry["step"], []).append(float(entry["seconds"]))
    return {step: sorted(seconds[-LAST:])[len(seconds[-LAST:]) // 2] for step, seconds in taken.items()}


def plain_projects(app: str) -> list[dict[str, str]]:
    """Compose containers on this host that are not Switchyard's: project, service, state, folder."""
    found = []
    for container in engine.containers("com.docker.compose.project"):
        if container.app is None:
            found.append(
                {
                    "project": container.project,
                    "service": container.service,
                    "state": container.state,
                    "folder": container.folder,
                }
            )
    return found


def strangers(containers: Iterable[Container], app: str, document: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Those running, of nobody's or another application, that write to state of a document: container, what."""
    state = state_of(document)
    return [
        (container.name, state[found])
        for container in containers
        if container.is_running and container.app != app
        for mount in container.mounts
        for found in (mount.volume or _real(mount.source),)
        if found in state and mount.is_writable
    ]


def state_of(document: Mapping[str, Any] | None) -> dict[str, str]:
    """Where the services of a document keep state, as a person calls it: volumes, and folders that they may write to.

    A folder that is only read, or a file such as the engine's socket, is used by many without harm.
    """
    found = document or {}
    volumes = [str(value.get("name", key)) for key, value in (found.get("volumes") or {}).items()]
    folders = [
        _real(mount["source"])
        for service in (found.get("services") or {}).values()
        for mount in service.get("volumes") or ()
        if mount.get("type") == "bind" and not mount.get("read_only") and not _is_file(mount["source"])
    ]
    return {name: f"volume {name}" for name in volumes} | {name: f"folder {name}" for name in folders}


def _is_file(path: str) -> bool:
    return os.path.exists(_real(path)) and not os.path.isdir(_real(path))


def _real(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))


def refuse_strangers(app: str, document: Mapping[str, Any]) -> None:
    """Two servers on one directory do not notice each other: nobody else may mount what a shared service writes to."""
    found = [
        f"{what} is mounted by running container {container}"
        for container, what in strangers(engine.containers(), app, document)
    ]
    if found:
        raise Refused(f"{'; '.join(found)}: stop it first, or two servers write to one place")


def listening() -> dict[str, str]:
    """TCP ports that something on this host listens on, and which container that is where it is one."""
    ports: dict[str, str] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table) as file:
            for line in list(file)[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    ports[str(int(fields[1].rsplit(":", 1)[1], 16))] = "a process of this host"
    for container in engine.containers():
        owner = f"{container.app}'s edge" if container.app else f"container {container.name}"
        ports.update({str(port): owner for port in container.ports})
    return ports
