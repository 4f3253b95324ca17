"""The verbs that only look: they take no lease and write nothing."""

from __future__ import annotations

import platform
import shlex
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from switchyard.core import names
from switchyard.core.app import App
from switchyard.core.compose_document import changed_keys
from switchyard.core.errors import BadInput, Refused, SwitchyardError
from switchyard.core.redact import redact, spellings
from switchyard.host import backup as aside
from switchyard.host import observe
from switchyard.host.adapters import engine, probe, process
from switchyard.host.adapters.engine import Container
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Held, Store, read_json
from switchyard.host.attempt import Attempt
from switchyard.host.rights import rights
from switchyard.host.rollback_target import choose

ADDRESS_RANGES = 31
"""Networks that an engine can make with the ranges it has by default."""


def facts(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan is made from."""
    attempt = Attempt(store, store.attempts / "plan", {"verb": "plan", "app": request["app"]})
    return {
        **observe.facts(store, request["app"]),
        "site": asdict(observe.site(attempt)),
        "scales": store.scales(),
        "images": engine.image_tags(),
    }


def changes(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """Which keys of the services differ from the live release's. Values are compared here, and none leaves."""
    live = observe.live(store, request["app"])
    document = read_json(store.release(live["id"]) / "compose.json") if live else None
    return {"changed": changed_keys((document or {}).get("services") or {}, request["services"])}


def status(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """What is observed: colours, releases, health, the proxy's target, the lease, what is kept, drift."""
    attempt = Attempt(store, store.attempts / "status", {"verb": "status", "app": request["app"]})
    site = observe.site(attempt)
    containers = engine.containers(f"{names.APP}={request['app']}")
    lease, dead = store.holder()
    idle = site.idle if site.live != "none" or site.blue.release else "green"
    drift = _drift(store, containers, site.proxy, site.map_file) + _revived(store, request["app"])
    if lease is None or dead is not None:  # else what is missing may be on its way
        drift += _lacking(store, containers, site.live)
        drift += [f"inv {verb} was cut short: type it again" for verb in aside.unfinished(store)]
    return {
        "live": _slot(store, site.live, containers),
        "idle": _slot(store, idle, containers, standing_by=True),
        "routes": read_json(store.edge / "routes.json") or [],
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
        "drift": drift,
        "journal": store.journal()[1],
    }


def _slot(
    store: Store, colour: str, containers: list[Container], *, standing_by: bool = False
) -> dict[str, Any] | None:
    """A colour and its release. The singletons of one that stands by have stopped, and say nothing of its health."""
    held = observe.of_colour(containers, colour) if colour != "none" else []
    if not held:
        return None
    record = store.record(held[0].release) or {}
    judged = [c for c in held if not (standing_by and c.is_singleton)]
    whole = not observe.lacking(judged, _wanted(store, record, colour, standing_by=standing_by))
    return {
        "colour": colour,
        "release": held[0].release,
        "commit": record.get("commit"),
        "state": record.get("state"),
        "since": record.get("since"),
        "healthy": _healthy(judged, record) if whole else None,
    }


def _wanted(store: Store, record: Mapping[str, Any], colour: str, *, standing_by: bool = False) -> dict[str, int]:
    """How many containers each service of a release's colour has; one that stands by has no singletons."""
    services = [*record.get("front", ()), *(() if standing_by else record.get("handover", ()))]
    return observe.wanted(read_json(store.release(record.get("id", "")) / f"{colour}.json"), services, store.scales())


def _healthy(containers: list[Container], record: Mapping[str, Any]) -> bool | None:
    """One probe of each container by its own rule; None where some stand still, or nothing tells."""
    if not containers or not record or any(not container.is_running for container in containers):
        return None
    checks = App.decode(record["app"]).checks
    ports = {route["service"]: route["port"] for route in record["routes"]}
    for container in containers:
        service = container.service
        details = engine.inspect(container.id)
        if details is None:
            return None
        if not probe.once(details, checks.get(service), ports.get(service)).passed:
            return False
    return True


def env(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The live release's own env, for a host entry that takes it from there."""
    live = observe.live(store, request["app"])
    if live is None:
        raise Refused("nothing is live here, so there is no env to take over: name env.files for the first deploy")
    return {"env": (store.release(live["id"]) / "env").read_text()}


def target(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The release that a rollback would go to."""
    live = observe.live(store, request["app"])
    chosen = choose(store.records(), live, request.get("to"))
    return {"release": chosen["id"], "commit": chosen["commit"]}


def checks(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """What stands before a deploy: who holds the lease, all facts, the live release's results, shared services."""
    with ThreadPoolExecutor(1) as pool:
        tools = pool.submit(_tools)  # asking Compose takes as long as all else here
        found = observe.facts(store, request["app"])
    lease, dead = store.holder()
    held = Held(lease) if lease is not None and dead is None else None
    live = found["live"]
    return {
        "facts": found,
        "held": {"why": str(held), "holder": held.holder} if held else None,
        "live": live,
        "baseline": read_json(store.release(live["id"]) / "checks.json") if live else None,
        "tools": tools.result(),
        "shared": [_address(container) for container in engine.containers(f"{names.APP}={request['app']}")],
    }


def _address(container: Container) -> dict[str, Any]:
    """A running container with its address in each network."""
    return {
        "service": container.labels.get(engine.SERVICE),
        "kind": container.kind,
        "image": container.image,
        "running": container.is_running,
        "addresses": list(container.addresses),
    }


def _missing(record: Mapping[str, Any]) -> list[str]:
    return [name for name, image in (record.get("images") or {}).items() if engine.image_id(image) is None]


def _revived(store: Store, app: str) -> list[str]:
    """Somebody's plain project of this application that runs beside it, and whoever else mounts its state."""
    return [
        f"container {container} mounts {what} beside the shared service: stop it now, two servers that write to one "
        "place ruin it"
        for container, what in observe.strangers(engine.containers(), app, read_json(store.shared / "compose.json"))
    ] + [
        f"{other['service']} of the plain project {other['project']} runs in {other['folder']}: stop it there with "
        "docker compose down, without -v"
        for other in observe.plain_projects(app)
        if other["project"] == app and other["state"] == "running"
    ]


def _drift(store: Store, containers: list[Container], proxy: str, map_file: str) -> list[str]:
    nothing = (proxy, map_file) == ("down", "none")
    found = [] if nothing or proxy == map_file else [f"the map file says {map_file}, the running proxy {proxy}"]
    if proxy in names.COLOURS and not observe.of_colour(containers, proxy):
        found.append(f"{proxy}, which is live, has no container")
    for colour in names.COLOURS:
        for container in observe.of_colour(containers, colour):
            record = store.record(container.release) or {}
            service = container.service
            pinned = (record.get("images") or {}).get(service)
            if container.image_id != pinned:
                found.append(
                    f"{service} of {colour} runs {container.image_id[:19]}, its release says {str(pinned)[:19]}"
                )
    return found


def _lacking(store: Store, containers: list[Container], live: str) -> list[str]:
    """Services of the live colour and shared ones of which fewer containers run than should."""
    held = observe.of_colour(containers, live)
    record = store.record(held[0].release) if held else None
    shared = read_json(store.shared / "compose.json") or {}
    running = [c for c in containers if c.is_of_shared_project]
    missing = observe.lacking(running, observe.wanted(shared, shared.get("services") or ()))
    return [
        f"{service} of {live}, which is live, runs {count} times: inv deploy --force brings up a whole colour"
        for service, count in observe.lacking(held, _wanted(store, record or {}, live)).items()
    ] + [
        f"the shared service {service} runs {count} times: docker start it on the host; one that is gone comes back "
        "with inv deploy --force"
        for service, count in missing.items()
    ]


def history(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The attempts with how each ended, the newest last, and what is wrong with the journal."""
    entries, problems = store.journal()
    ends = [entry for entry in entries if "exit" in entry]
    return {"attempts": ends[-int(request.get("count") or 20) :], "problems": problems}


def logs(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The last lines of each container of the live colour and the shared project."""
    live, secret, found = Proxy(store).live(), _secrets(store), {}
    for container in engine.containers(f"{names.APP}={request['app']}"):
        service = container.service
        if request.get("service") in (None, service) and container.colour in (None, live):
            text = engine.logs(container.id, int(request.get("tail") or 50))
            found[container.name] = redact(text, secret)
    return {"containers": found}


def _secrets(store: Store) -> list[str]:
    """What every kept release's secrets look like: what a container prints may be of any of them."""
    return spellings(value for record in store.records() for value in store.secrets(record["id"]))


def execute(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """A command in a container of a service of the live colour, or of a shared one."""
    container = _running(store, request["app"], request["service"])
    if container is None:
        raise BadInput(f"no running service of the live colour is called {request['service']}")
    code, output = engine.execute(container, shlex.split(request["command"]), within=600)
    return {"code": code, "output": redact(output, _secrets(store))}


def held(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """What is in files of such containers, or why that is not known: predeploy connects with it."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for service, paths in request["files"].items():
        container = _running(store, request["app"], service)
        for path in paths:
            code, text = engine.execute(container, ["cat", path]) if container else (1, "it does not run")
            found.setdefault(service, {})[path] = {"why" if code else "is": text}
    return {"held": found}


def _running(store: Store, app: str, service: str) -> str | None:
    """The id of a running container of a service of the live colour, or of a shared one."""
    live = Proxy(store).live()
    for container in engine.containers(f"{names.APP}={app}"):
        if container.service == service and container.colour in (None, live) and container.is_running:
            return container.id
    return None


def files(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """The rights of the files that predeploy names; nothing of what is in them."""
    return {"files": {path: rights(store.root / Path(path).expanduser()) for path in request["files"]}}


def _tools() -> dict[str, str | None]:
    """What predeploy judges by their version."""
    return {
        "docker": engine.version() if shutil.which("docker") else None,
        "python": platform.python_version(),
        "compose": _said(["docker", "compose", "version", "--short"]),
        "git": _said(["git", "--version"]),
    }


def _said(argv: Sequence[str]) -> str | None:
    """What a tool prints of itself; None where it is not there."""
    try:
        code, text = process.run(argv, within=30, check=False)
    except SwitchyardError:
        return None
    return text.strip() if code == 0 else None


def doctor(store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """What would stop a deploy here."""
    found = observe.facts(store, request["app"])
    found.update(compose=_said(["docker", "compose", "version"]), git=_said(["git", "--version"]))
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
    pools = engine.info().pools
    room = sum(1 << (pool.size - pool.bits) for pool in pools if pool.size >= pool.bits) or ADDRESS_RANGES
    return room - len([network for network in engine.networks() if network.driver == "bridge" and network.app != app])


VERBS: dict[str, Callable[[Store, Mapping[str, Any]], dict[str, Any]]] = {
    "facts": facts,
    "changes": changes,
    "target": target,
    "env": env,
    "checks": checks,
    "files": files,
    "held": held,
    "status": status,
    "history": history,
    "logs": logs,
    "doctor": doctor,
    "exec": execute,
}
