"""The small verbs that act under the lease on what is live: restart a service, scale it, take the lease over."""

from __future__ import annotations

import time

from switchyard.core import commands, edge, names
from switchyard.core.errors import BadInput, Refused, SwitchyardError
from switchyard.core.lease import Lease
from switchyard.core.next_step import Step
from switchyard.host import observe
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.engine import Container
from switchyard.host.adapters.store import write_json
from switchyard.host.attempt import Attempt
from switchyard.host.steps import colours
from switchyard.host.steps import table as acts

REST_WITHIN = 10.0
"""Seconds that a container which is taken out gets for what it still answers."""


def restart(attempt: Attempt) -> tuple[str, int]:
    """Restarts the live colour's containers one after the other, each healthy before the next."""
    live = observe.site(attempt).live
    if live == "none":
        raise Refused("nothing is live here")
    attempt.release = _chosen(attempt, live)[0].release
    end_standby(attempt)
    acts.act(attempt, Step("restart", live))
    return "restarted", 0


def _chosen(attempt: Attempt, colour: str) -> list[Container]:
    """The containers of the service that is asked for, else of all; raises ``BadInput`` where there are none."""
    containers = engine.containers(f"{names.APP}={attempt.request['app']}", f"{names.COLOUR}={colour}")
    held = observe.of_colour(containers, colour)
    service = attempt.request.get("service")
    chosen = [c for c in held if service in (None, c.service)]
    if not chosen:
        known = sorted({c.service for c in held})
        raise BadInput(f"no service of the live colour is called {service}; known: {', '.join(known)}")
    return chosen


def restart_each(attempt: Attempt, colour: str | None) -> None:
    """One container after the other, each healthy before the next."""
    assert colour is not None
    chosen = _chosen(attempt, colour)
    for container in chosen:
        name = container.service
        attempt.store.guard(attempt.number)
        attempt.emit("progress", text=f"restarting {name}")
        up = {route: attempt.proxy.servers_up(f"{route.name}_{colour}") for route in attempt.routes}
        try:
            _rest(attempt, container, chosen)
            process.run(["docker", "restart", container.id], tick=attempt.linger)
            colours.prove_again(attempt, container)
        finally:
            attempt.proxy.resume(colour)
        for route, count in up.items():
            colours.await_up(attempt, route, colour, count, attempt.app.healthy_within)


def _rest(attempt: Attempt, container: Container, beside: list[Container]) -> None:
    """Where others of the same service run, the edge sends nothing new to this one while it is away."""
    service = container.service
    if sum(c.service == service for c in beside) > 1:
        attempt.proxy.rest(engine.address(container.id), within=REST_WITHIN)


def end_standby(attempt: Attempt) -> None:
    """Stops the old colour when its standby is over; a verb that takes the lease does it, a rollback excepted."""
    site = observe.site(attempt)
    record = attempt.store.record(site.slot(site.live).release or "") if site.live != "none" else None
    if record is None or site.slot(site.idle).front not in ("starting", "healthy"):
        return
    if time.time() - float(record.get("since") or time.time()) > int(record["app"]["standby"]):
        acts.act(attempt, Step("standby", site.idle))


def scale(attempt: Attempt) -> tuple[str, int]:
    """So many containers of one routed or plain service in the live colour, and in every release from now on."""
    site, store = observe.site(attempt), attempt.store
    service, count = str(attempt.request["service"]), int(attempt.request["count"])
    record = store.record(site.slot(site.live).release or "") if site.live != "none" else None
    if record is None:
        raise Refused("nothing is live here")
    if service not in record["front"]:
        kind = record["kinds"].get(service)
        why = f"it is {kind}" if kind else "there is no such service"
        raise BadInput(f"{service} cannot be scaled: {why}; these can: {', '.join(record['front'])}")
    if not 1 <= count <= edge.SERVERS:
        raise BadInput(f"--count {count}: the edge holds 1 to {edge.SERVERS} containers of a service")
    attempt.release = record["id"]
    end_standby(attempt)
    before = store.scales()
    write_json(store.root / "scale.json", {**before, service: count})
    try:
        acts.act(attempt, Step("scale", site.live))
    except SwitchyardError:
        write_json(store.root / "scale.json", before)
        raise
    return "scaled", 0


def scale_live(attempt: Attempt, colour: str | None) -> None:
    """Containers of the service added, each proven, or taken out, until there are as many as are asked for."""
    assert colour is not None
    service, count = str(attempt.request["service"]), int(attempt.request["count"])
    held = _of_service(attempt, colour, service)
    known = {container.id for container in held}
    attempt.proxy.close(colour)
    try:
        for container in held[count:]:
            attempt.emit("progress", text=f"taking one {service} out")
            address = engine.address(container.id)
            attempt.proxy.rest(address, within=REST_WITHIN)
            process.run(["docker", "stop", container.id], tick=attempt.linger)
            _remove(attempt, container.id, address)
        attempt.run([*commands.up(attempt.target(), colour, [service]), "--no-recreate"])
        for container in _of_service(attempt, colour, service):
            if container.id not in known:
                _prove_or_remove(attempt, container)
    finally:
        attempt.proxy.resume(colour)


def _prove_or_remove(attempt: Attempt, container: Container) -> None:
    try:
        colours.prove_one(attempt, container)
    except SwitchyardError:
        _remove(attempt, container.id, engine.address(container.id))
        raise


def _remove(attempt: Attempt, container: str, address: str) -> None:
    engine.remove(container, force=True)
    attempt.proxy.forget(address)


def _of_service(attempt: Attempt, colour: str, service: str) -> list[Container]:
    """The containers of one service, by their number."""
    found = engine.containers(
        f"{names.APP}={attempt.request['app']}", f"{names.COLOUR}={colour}", f"com.docker.compose.service={service}"
    )
    return sorted(found, key=lambda container: container.number)


def unlock(attempt: Attempt) -> tuple[str, int]:
    """Nothing more: taking the lease was the act, and its end frees it."""
    return "unlocked", 0


def require_dead_or_forced(attempt: Attempt, lease: Lease | None, dead: str | None) -> None:
    """A living owner keeps its lease unless ``--force`` is given."""
    if lease is None:
        raise SwitchyardError("nobody holds the lease: nothing to do", exit=0)
    if dead is None and not attempt.request.get("force"):
        raise Refused(f"{lease.who} is alive and holds the lease: {lease.doing}. Take it over with --force")


acts.ACTS.update(restart=restart_each, scale=scale_live)
