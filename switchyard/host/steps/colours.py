"""The containers of a colour: started, proven, smoked, stopped, removed."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from switchyard.core import commands, edge, names
from switchyard.core.app import Route
from switchyard.core.errors import SwitchyardError
from switchyard.host import observe
from switchyard.host.adapters import engine, probe
from switchyard.host.adapters.engine import Container, RestartPolicy
from switchyard.host.adapters.store import read_json, write
from switchyard.host.attempt import Attempt

ANSWERED_WITHIN = 5.0
"""Seconds for which a release that is taken back may still answer what it was asked before."""
LISTED_WITHIN = 5.0
"""Seconds for which the engine's list may lag behind a stop that it has answered."""


def containers_in(attempt: Attempt, colour: str) -> list[Container]:
    """What the slot of a colour holds, running or not, as the engine lists it."""
    app = attempt.request["app"]
    return observe.of_colour(engine.containers(f"{names.APP}={app}", f"{names.COLOUR}={colour}"), colour)


def releases(attempt: Attempt) -> dict[str, str | None]:
    """The release whose containers each colour holds; None where it holds none."""
    found: dict[str, str | None] = {}
    for colour in names.COLOURS:
        held = containers_in(attempt, colour)
        found[colour] = (held[0].release or None) if held else None
    return found


def standby(attempt: Attempt, colour: str | None) -> None:
    """The end of standby: the old colour's routed and plain services stop; they come back from what is kept."""
    assert colour is not None
    cut = attempt.proxy.connections(colour)
    stop(attempt, colour, containers_in(attempt, colour))
    _tell_cut(attempt, f"{colour} no longer stands by", cut)


def _tell_cut(attempt: Attempt, what: str, cut: int) -> None:
    """What was still open on a colour that stops; the receipt counts it."""
    attempt.emit("progress", text=f"{what}; open connections cut: {cut}", cut=cut)


def retire(attempt: Attempt, colour: str | None) -> None:
    """Makes room in the idle slot: what it holds is stopped and removed; volumes are never touched."""
    assert colour is not None
    held = containers_in(attempt, colour)
    cut = attempt.proxy.connections(colour)
    attempt.started -= {f"front {colour}", f"single {colour}"}
    attempt.proxy.fill("drain", "")
    stop(attempt, colour, held)
    for container in held:
        engine.remove(container.id, force=True)
    _tell_cut(attempt, f"retired {held[0].release} from {colour}", cut)


def stop(attempt: Attempt, colour: str, containers: Iterable[Container]) -> None:
    """Stops containers of a colour together, each with its own grace period, until the engine's list shows it."""
    running = [c.id for c in containers if c.is_up]
    if not running:
        return
    for container in running:  # nothing that was stopped on purpose comes back with the engine
        engine.set_restart_policy(container, RestartPolicy("no"))
    # Cut short here, the engine would still stop them, under the eyes of whoever has taken over.
    attempt.run(commands.stop(running), shown=commands.stop([commands.containers_of(colour)]), tick=attempt.linger)
    deadline = time.monotonic() + LISTED_WITHIN
    while any(c.id in running and c.is_up for c in containers_in(attempt, colour)):
        if time.monotonic() > deadline:
            raise SwitchyardError(f"a container of {colour} runs on after docker stop; see docker ps on the host")
        time.sleep(0.02)


def up(attempt: Attempt, colour: str | None) -> None:
    """The idle colour's routed and plain services, without their dependencies."""
    assert colour is not None
    record = attempt.record
    attempt.failed.pop(f"front {colour}", None)
    held = containers_in(attempt, colour)
    release = held[0].release if held else attempt.release
    if release != attempt.release:
        record = attempt.store.record(release) or {}
    attempt.proxy.fill("releases", edge.releases_map({**releases(attempt), colour: release}))
    attempt.run(commands.up(attempt.target(release), colour, record["front"]))
    attempt.started.add(f"front {colour}")
    link(attempt.store.root, colour, f"releases/{release}")


def link(root: Path, name: str, target: str) -> None:
    """A link of the root, which points elsewhere from one moment to the next."""
    aside = root / f".{name}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    aside.symlink_to(target)
    os.replace(aside, root / name)


def prove(attempt: Attempt, colour: str | None) -> bool:
    """Whether every routed and plain service of a colour is healthy, and up where the proxy has a route for it."""
    assert colour is not None
    containers = [c for c in containers_in(attempt, colour) if not c.is_singleton]
    keep(attempt, colour, containers)
    if not prove_all(attempt, f"front {colour}", containers):
        return False
    release = _release(attempt, containers)
    held = {route.name for route in observe.edge_routes(attempt)}
    attempt.proxy.resume(colour)
    try:
        for route in observe.routes(attempt, release):
            if route.name in held:
                await_up(attempt, route, colour, 1, observe.settings(attempt, release).healthy_within)
    except probe.Unhealthy as error:
        attempt.failed[f"front {colour}"] = attempt.reason = str(error)
        return False
    return True


def await_up(attempt: Attempt, route: Route, colour: str, count: int, within: float) -> None:
    """Until the edge sees so many of a route's servers up, for so many seconds; raises ``Unhealthy``."""
    deadline = time.monotonic() + within
    while attempt.proxy.servers_up(f"{route.name}_{colour}") < count:
        attempt.tick()
        if time.monotonic() > deadline:
            raise probe.Unhealthy(f"{route.service}: healthy by our own probe, but the edge does not see it up")
        time.sleep(0.05)


def keep(attempt: Attempt, colour: str, containers: list[Container]) -> None:
    """Gives containers the restart policy of their document again, which a stop took from them."""
    for container in containers:
        document = attempt.json(container.release, f"{colour}.json") or {}
        service = (document.get("services") or {}).get(container.service) or {}
        keep_up(container.id, str(service.get("restart", "no")))


def keep_up(container: str, restart: str) -> None:
    """Has the engine bring a running container back whatever happens to the engine itself.

    One that was killed stops what still ran when it comes back, takes that for somebody's wish, and so does not start
    again what has ``unless-stopped``. The container gets ``always`` for as long as it is meant to run. One that ends
    just then takes no policy; that it ended is for its proof to tell.
    """
    name, _, most = restart.partition(":")
    policy = RestartPolicy("always" if name == "unless-stopped" else name, int(most or 0))
    details = engine.inspect(container)
    if details is None or details.restart_policy == policy:
        return
    try:
        engine.set_restart_policy(container, policy)
    except SwitchyardError:
        if _runs_since(container, details.started_at):
            raise


def _runs_since(container: str, started: str) -> bool:
    details = engine.inspect(container)
    return details is not None and (details.status, details.started_at) == ("running", started)


def _release(attempt: Attempt, containers: list[Container]) -> str:
    """The release that a colour's containers are of."""
    return containers[0].release if containers else attempt.release


def prove_all(attempt: Attempt, key: str, containers: list[Container], most: float = math.inf) -> bool:
    """Whether containers are healthy by the rules of their own release; why not stands in ``attempt.failed``.

    One after the other, and all the while none may end. ``most``: seconds that each gets, where its release gives more.
    """
    release = _release(attempt, containers)
    app = observe.settings(attempt, release)
    ports = {route.service: route.port for route in observe.routes(attempt, release)}
    ran = key.endswith(observe.site(attempt).live) or release != attempt.release
    restarts = {c.id: engine.restart_count(c.id) if ran else 0 for c in containers}
    try:
        for container in containers:
            service = container.service
            attempt.emit("progress", text=f"waiting for {service} to be healthy")
            if probe.prove(
                service,
                container.id,
                app.checks.get(service),
                ports.get(service),
                within=min(most, app.healthy_within),
                tick=partial(_watch, attempt, [c for c in containers if c is not container], restarts),
                base_restarts=restarts[container.id],
            ):
                attempt.weak.add(service)
    except probe.Unhealthy as error:
        attempt.failed[key] = attempt.reason = str(error)
        return False
    attempt.proven[key] = observe.identity(containers)
    return True


def _watch(attempt: Attempt, containers: list[Container], restarts: Mapping[str, int]) -> None:
    """A tick that raises ``Unhealthy`` as soon as one of these containers has ended or was restarted since."""
    attempt.tick()
    for container in containers:
        probe.require_running(container.service, container.id, restarts[container.id])


def prove_one(attempt: Attempt, container: Container) -> None:
    """One new container healthy by the rule of its service; raises ``Unhealthy``."""
    service = container.service
    port = next((route.port for route in attempt.routes if route.service == service), None)
    check, within = attempt.app.checks.get(service), attempt.app.healthy_within
    probe.prove(service, container.id, check, port, within=within, tick=attempt.tick)


def prove_again(attempt: Attempt, container: Container) -> None:
    """One container that may have run before, healthy by the rule of its service: only restarts from now on count."""
    service, name = container.service, container.id
    check, within = attempt.app.checks.get(service), attempt.app.healthy_within
    count = engine.restart_count(name)
    probe.prove(service, name, check, None, within=within, tick=attempt.tick, base_restarts=count)


def smoke(attempt: Attempt, colour: str | None) -> bool:
    """Whether every route answers well through its preview port, and the application's own smoke command passes."""
    assert colour is not None
    previews = read_json(attempt.store.edge / "previews.json")
    urls = {}
    for route in attempt.routes:
        port = previews[f"{route.name}_{colour}"]
        urls[f"URL_{route.service}_{route.port}".upper().replace("-", "_")] = f"http://127.0.0.1:{port}"
        answer = ask_route(attempt, route, "127.0.0.1", port, attempt.release)
        if not answer.passed:
            attempt.smoke, attempt.reason = "failed", f"smoke of {route.service}: {answer.seen}"
            return False
    if attempt.app.smoke:
        folder = attempt.store.release(attempt.release) / "files" / attempt.app.path
        code, output = attempt.run(attempt.app.smoke, within=300, cwd=str(folder), check=False, extra=urls)
        if code != 0:
            attempt.smoke, attempt.reason = "failed", f"the smoke command ended with {code}:\n{output.strip()[-2000:]}"
            return False
    attempt.smoke = "ok"
    return True


def ask_route(attempt: Attempt, route: Any, host: str, port: int, release: str) -> probe.Answer:
    """One route: the status that is asked of it, and the release that says it answered."""
    if route.mode == "tcp":
        return probe.held_check(host, port)
    check = attempt.app.page(route)
    path = check.path or "/"
    try:
        status, headers, body = probe.get(host, port, path)
    except Exception as error:
        return probe.Answer(False, f"GET {path}: {error}")
    answered = headers.get(edge.HEADER.lower())
    if attempt.app.release_header and answered is None:
        return probe.Answer(False, f"GET {path}: {status} {body[:200]}, and not by a service of ours")
    if attempt.app.release_header and answered != release:
        return probe.Answer(False, f"GET {path}: answered by release {answered}, not {release}")
    right = check.passes(status)
    return probe.Answer(right, f"GET {path}: {status} {'' if right else body[:200]}".strip())


def cancel(attempt: Attempt, colour: str | None) -> None:
    """Stops the failed colour; its containers are kept until the slot is used again, their logs with the release."""
    assert colour is not None
    held = containers_in(attempt, colour)
    deadline = time.monotonic() + ANSWERED_WITHIN  # what it was asked while it was live
    while attempt.proxy.connections(colour) and time.monotonic() < deadline:
        time.sleep(0.05)
    for container in held:
        with contextlib.suppress(OSError, SwitchyardError):  # a full disk, or logs that the engine cannot read
            _keep_evidence(attempt, container)
    stop(attempt, colour, held)
    attempt.failed.setdefault(f"front {colour}", attempt.reason or "cancelled")


def _keep_evidence(attempt: Attempt, container: Container) -> None:
    """The last 1000 lines of a container's log and what the engine says of it, without any secret."""
    path = attempt.store.release(attempt.release) / "failed" / container.name
    write(path.with_name(f"{path.name}.log"), attempt.redact(engine.logs(container.id, 1000)))
    description = json.dumps(engine.description(container.id), indent=1, ensure_ascii=False)
    write(path.with_name(f"{path.name}.json"), attempt.redact(description))
