"""The verbs that only look: they take no lease and write nothing."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from switchyard.core import names
from switchyard.core.app import App
from switchyard.core.errors import BadInput, Refused, SwitchyardError
from switchyard.core.split import key_digests
from switchyard.host import engine, observe, probe
from switchyard.host.attempt import Attempt
from switchyard.host.program import choose
from switchyard.host.proxy import Proxy
from switchyard.host.store import Store, read_json

ADDRESS_RANGES = 31
"""Networks that an engine can make with the ranges it has by default."""


def facts(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan is made from."""
    attempt = Attempt(store, store.attempts / "plan", {"verb": "plan", "app": request["app"]})
    found = observe.facts(store, request["app"])
    live = found["live"]
    return {
        **found,
        "site": asdict(observe.site(attempt)),
        "scales": store.scales(),
        "images": sorted(tag for i in engine.ask("GET", "/images/json") or () for tag in i.get("RepoTags") or ()),
        "compose_keys": key_digests(read_json(store.release(live["id"]) / "compose.json") or {}) if live else None,
    }


def status(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """What is observed: colours, releases, health, the proxy's target, the lease, what is kept, drift."""
    attempt = Attempt(store, store.attempts / "status", {"verb": "status", "app": request["app"]})
    site = observe.site(attempt)
    containers = engine.containers(f"{names.APP}={request['app']}")
    lease, dead = store.holder()
    idle = site.idle if site.live != "none" or site.blue.release else "green"
    return {
        "live": _slot(store, site.live, containers),
        "idle": _slot(store, idle, containers),
        "proxy": site.proxy,
        "map_file": site.map_file,
        "lease": None
        if lease is None
        else {"who": lease.who, "doing": lease.doing, "since": lease.since, "ended": dead},
        "kept": [
            {
                "release": record["id"],
                "number": record["number"],
                "commit": record["commit"],
                "state": record["state"],
                "subject": record["subject"],
                "missing": _missing(record),
            }
            for record in store.records()
        ],
        "drift": _drift(store, containers, site.proxy, site.map_file) + _revived(request["app"]),
        "journal": store.journal()[1],
    }


def _slot(store: Store, colour: str, containers: list[dict[str, Any]]) -> dict[str, Any] | None:
    held = observe.of_colour(containers, colour) if colour != "none" else []
    if not held:
        return None
    record = store.record(held[0]["Labels"][names.RELEASE]) or {}
    return {
        "colour": colour,
        "release": held[0]["Labels"][names.RELEASE],
        "commit": record.get("commit"),
        "state": record.get("state"),
        "since": record.get("since"),
        "healthy": _healthy(held, record),
    }


def _healthy(containers: list[dict[str, Any]], record: Mapping[str, Any]) -> bool | None:
    """One probe of each container by its own rule; None where some stand still, or nothing tells."""
    if not record or any(container["State"] != "running" for container in containers):
        return None
    checks = App.from_json(record["app"]).checks
    ports = {route["service"]: route["port"] for route in record["routes"]}
    for container in containers:
        service = container["Labels"]["com.docker.compose.service"]
        details = engine.inspect(container["Id"])
        if details is None:
            return None
        if not probe.once(details, checks.get(service), ports.get(service)).passed:
            return False
    return True


def env(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The live release's own env, for a host entry that takes it from there."""
    live = observe.facts(store, request["app"])["live"]
    if live is None:
        raise Refused("nothing is live here, so there is no env to take over: name env.files for the first deploy")
    return {"env": (store.release(live["id"]) / "env").read_text()}


def target(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The release that a rollback would go to."""
    live = observe.facts(store, request["app"])["live"]
    chosen = choose(store.records(), live, request.get("to"))
    return {"release": chosen["id"], "commit": chosen["commit"]}


def _missing(record: Mapping[str, Any]) -> list[str]:
    return [name for name, image in (record.get("images") or {}).items() if engine.image_id(image) is None]


def _revived(app: str) -> list[str]:
    """Somebody's plain project of this application that runs beside it."""
    return [
        f"{other['service']} of the plain project {other['project']} runs in {other['folder']}: stop it there with "
        "docker compose down, without -v"
        for other in observe.plain_projects(app)
        if other["project"] == app and other["state"] == "running"
    ]


def _drift(store: Store, containers: list[dict[str, Any]], proxy: str, map_file: str) -> list[str]:
    found = [] if proxy == map_file else [f"the map file says {map_file}, the running proxy {proxy}"]
    for colour in names.COLOURS:
        for container in observe.of_colour(containers, colour):
            record = store.record(container["Labels"][names.RELEASE]) or {}
            service = container["Labels"]["com.docker.compose.service"]
            pinned = (record.get("images") or {}).get(service)
            if container["ImageID"] != pinned:
                found.append(
                    f"{service} of {colour} runs {container['ImageID'][:19]}, its release says {str(pinned)[:19]}"
                )
            if colour == proxy and container["State"] != "running":
                found.append(f"{service} of {colour}, which is live, is {container['State']}")
    return found


def history(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The attempts with how each ended, the newest last, and what is wrong with the journal."""
    entries, problems = store.journal()
    ends = [entry for entry in entries if "exit" in entry]
    return {"attempts": ends[-int(request.get("count") or 20) :], "problems": problems}


def logs(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The last lines of each container of the live colour and the shared project."""
    live = Proxy(store).live()
    found = {}
    for container in engine.containers(f"{names.APP}={request['app']}"):
        labels = container["Labels"]
        service = labels.get("com.docker.compose.service", "?")
        if request.get("service") in (None, service) and labels.get(names.COLOUR) in (None, live):
            found[container["Names"][0].lstrip("/")] = engine.logs(container["Id"], int(request.get("tail") or 50))
    return {"containers": found}


def execute(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """A command in a container of a service of the live colour, or of a shared one."""
    live = Proxy(store).live()
    for container in engine.containers(f"{names.APP}={request['app']}"):
        labels = container["Labels"]
        mine = labels.get("com.docker.compose.service") == request["service"] and labels.get(names.COLOUR) in (
            None,
            live,
        )
        if mine and container["State"] == "running":
            code, output = engine.execute(container["Id"], shlex.split(request["command"]), within=600)
            return {"code": code, "output": output}
    raise BadInput(f"no running service of the live colour is called {request['service']}")


def doctor(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """What would stop a deploy here."""
    found = observe.facts(store, request["app"])
    tools = {"compose": ["docker", "compose", "version"], "git": ["git", "--version"]}
    for name, argv in tools.items():
        try:
            code, text = engine.run(argv, within=30, check=False)
        except SwitchyardError:
            code, text = 127, ""
        found[name] = text.strip() if code == 0 else None
    plain = [p for p in observe.plain_projects(request["app"]) if p["project"] == request["app"]]
    return {
        **found,
        "clock": time.time(),
        "plain": plain,
        "journal": store.journal()[1],
        "networks_free": _networks_free(request["app"]),
    }


def _networks_free(app: str) -> int:
    """How many more networks the engine can make; those that this application has count as free."""
    pools = engine.ask("GET", "/info").get("DefaultAddressPools") or []
    bits = [(int(pool["Base"].split("/")[1]), int(pool["Size"])) for pool in pools]
    room = sum(1 << (size - base) for base, size in bits if size >= base) or ADDRESS_RANGES
    bridges = [n for n in engine.ask("GET", "/networks") if n["Driver"] == "bridge"]
    return room - len([network for network in bridges if (network["Labels"] or {}).get(names.APP) != app])


VERBS: dict[str, Callable[[Store, Mapping[str, Any]], dict[str, Any]]] = {
    "facts": facts,
    "target": target,
    "env": env,
    "status": status,
    "history": history,
    "logs": logs,
    "doctor": doctor,
    "exec": execute,
}
