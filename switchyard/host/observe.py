"""Looks at this machine and says what it is, as a ``Site``."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from switchyard.core import edge, names
from switchyard.core.app import Route
from switchyard.core.site import Site, Slot
from switchyard.host import engine
from switchyard.host.attempt import Attempt
from switchyard.host.proxy import Proxy
from switchyard.host.store import Store, now, read_json

LAST = 5
"""How many times of a step tell how long it usually takes."""


def site(attempt: Attempt) -> Site:
    """This machine now, as the wanted release sees it."""
    app, store, record = attempt.request["app"], attempt.store, attempt.record
    containers = engine.containers(f"{names.APP}={app}")
    slots = {colour: slot(attempt, colour, containers) for colour in names.COLOURS}
    return Site(
        blue=slots["blue"],
        green=slots["green"],
        proxy=attempt.proxy.live(),
        map_file=attempt.proxy.file_live(),
        edge=edge_state(attempt, containers),
        shared=shared_state(store, app, record, containers),
        stage=stage(record),
        smoke=attempt.smoke,
        verdict=attempt.verdict,
        now=now(),
    )


def is_single(container: Mapping[str, Any]) -> bool:
    """Whether a container belongs to a handover service."""
    return bool(container["Labels"].get(names.KIND) == "handover")


def of_colour(containers: Iterable[dict[str, Any]], colour: str) -> list[dict[str, Any]]:
    """The containers of a colour's services, oneshots apart."""
    return [
        c
        for c in containers
        if c["Labels"].get(names.COLOUR) == colour and c["Labels"].get(names.KIND) in ("routed", "plain", "handover")
    ]


def slot(attempt: Attempt, colour: str, containers: Iterable[dict[str, Any]]) -> Slot:
    """One colour: its release, and how its services are."""
    mine = of_colour(containers, colour)
    if not mine:
        return Slot()
    release = mine[0]["Labels"].get(names.RELEASE)
    record = attempt.store.record(release) or {}
    front = [c for c in mine if not is_single(c)]
    single = [c for c in mine if is_single(c)]
    return Slot(
        release=release,
        front=group_state(attempt, f"front {colour}", front, wanted_count(attempt.store, record)),
        single=single_state(attempt, f"single {colour}", single) if single or record.get("handover") else "unused",
    )


def wanted_count(store: Store, record: Mapping[str, Any]) -> int:
    """How many routed and plain containers a release has at least."""
    scales = store.scales()
    return sum(scales.get(name, 1) for name in record.get("front", ()))


def group_state(attempt: Attempt, key: str, containers: list[dict[str, Any]], wanted: int) -> str:
    """none, stopped, starting, healthy or failed."""
    if not containers:
        return "none"
    running = [c for c in containers if c["State"] == "running"]
    if key in attempt.failed:
        return "failed"
    if len(running) < max(wanted, 1):
        return "starting" if key in attempt.started else "stopped"
    return "healthy" if attempt.proven.get(key) == identity(running) else "starting"


def single_state(attempt: Attempt, key: str, containers: list[dict[str, Any]]) -> str:
    """none, stopped, running, healthy or failed."""
    if key in attempt.failed:
        return "failed"
    running = [c for c in containers if c["State"] in ("running", "restarting", "paused")]
    if not running:
        return "running" if key in attempt.started else ("stopped" if containers else "none")
    return "healthy" if attempt.proven.get(key) == identity(running) else "running"


def identity(containers: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    """What a proof is about: these containers, started when they were."""
    found = set()
    for container in containers:
        details = engine.inspect(container["Id"])
        if details is not None:
            found.add((details["Id"], details["State"]["StartedAt"]))
    return frozenset(found)


def shared_state(store: Store, app: str, record: Mapping[str, Any], containers: Iterable[dict[str, Any]]) -> str:
    """Whether every shared service of the release runs."""
    running = {
        c["Labels"].get("com.docker.compose.service")
        for c in containers
        if c["Labels"].get(names.KIND) == "shared" and c["State"] == "running"
    }
    ready = (store.shared / "ready").exists() and all(
        engine.ask("GET", f"/networks/{names.network(app, colour)}") for colour in names.COLOURS
    )
    return "healthy" if ready and set(record.get("shared", ())) <= running else "absent"


def edge_state(attempt: Attempt, containers: Iterable[dict[str, Any]]) -> str:
    """absent, stale, or current for the wanted release."""
    if not any(c["Labels"].get(names.KIND) == "edge" and c["State"] == "running" for c in containers):
        return "absent"
    if not attempt.release:
        return "current"
    try:
        text = (attempt.store.edge / "cfg" / "haproxy.cfg").read_text()
    except FileNotFoundError:
        return "absent"
    backends = set(edge.preview_names(attempt.routes))
    current = text == wanted_configuration(attempt) and backends <= attempt.proxy.backends()
    return "current" if current else "stale"


def wanted_configuration(attempt: Attempt) -> str:
    """HAProxy's configuration for the wanted release on the edge that is here."""
    return edge.configuration(edge_routes(attempt), attempt.app.checks, attempt.app)


def edge_routes(attempt: Attempt) -> list[Route]:
    """The edge's addresses in the order in which they were published, with the wanted release's options."""
    wanted = {route.name: route for route in attempt.routes}
    published = read_json(attempt.store.edge / "routes.json")
    if published is None:
        return list(wanted.values())
    return [wanted.get(route["service"] + f"-{route['port']}", Route(**route)) for route in published]


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
    disk = shutil.disk_usage(store.root)
    memory = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line)
    records = store.records()
    proxy = Proxy(store)
    live = proxy.live()
    live = proxy.file_live() if live == "down" else live
    containers = engine.containers(f"{names.APP}={app}")
    held = {c["Labels"].get(names.COLOUR): c["Labels"].get(names.RELEASE) for c in of_colour(containers, live)}
    record = store.record(held.get(live) or "") if live != "none" else None
    return {
        "root": str(store.root),
        "uid": os.getuid(),
        "disk_free": disk.free,
        "disk_total": disk.total,
        "memory_available": int(memory["MemAvailable"].split()[0]) * 1024,
        "live": summary(record, live),
        "number": records[0]["number"] if records else 0,
        "commits": [record["commit"] for record in records if record.get("received")][:20],
        "edge": read_json(store.edge / "routes.json"),
        "others": plain_projects(app),
        "volumes": sorted(v["Name"] for v in engine.ask("GET", "/volumes")["Volumes"] or ()),
        "listening": listening(),
        "shared": read_json(store.shared / "wanted.json"),
        "memory_live": sum(memory_of(c) for c in of_colour(containers, live)),
    }


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


def memory_of(container: Mapping[str, Any]) -> int:
    """Bytes that a running container uses now; 0 for one that does not run."""
    if container["State"] != "running":
        return 0
    path = f"/containers/{container['Id']}/stats?stream=false&one-shot=true"
    stats = engine.ask("GET", path)
    return int(((stats or {}).get("memory_stats") or {}).get("usage") or 0)


def plain_projects(app: str) -> list[dict[str, str]]:
    """Compose containers on this host that are not Switchyard's: project, service, state, folder."""
    found = []
    for container in engine.containers("com.docker.compose.project"):
        labels = container["Labels"]
        if names.APP not in labels:
            found.append(
                {
                    "project": labels["com.docker.compose.project"],
                    "service": labels.get("com.docker.compose.service", "?"),
                    "state": container["State"],
                    "folder": labels.get("com.docker.compose.project.working_dir", "?"),
                }
            )
    return found


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
        for port in container.get("Ports") or ():
            if port.get("PublicPort"):
                name = container["Names"][0].lstrip("/")
                owner = container["Labels"].get(names.APP)
                ports[str(port["PublicPort"])] = f"{owner}'s edge" if owner else f"container {name}"
    return ports
