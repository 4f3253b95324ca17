"""Steps on one colour: start it, prove it, and stop it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

from switchyard.core import commands, edge
from switchyard.core.errors import (
    SwitchyardError,
)
from switchyard.host.adapters import engine, probe
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import write
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import edge_routes
from switchyard.host.steps import containers as slots
from switchyard.host.steps import health

ANSWERED_WITHIN = 5.0
"""Seconds for which a release that is taken back may still answer what it was asked before."""


def up(attempt: Attempt, colour: str | None) -> None:
    """The idle colour's routed and plain services, without their dependencies."""
    assert colour is not None
    attempt.memory.failed.pop(f"front {colour}", None)
    held = slots.containers_in(attempt, colour)
    release = held[0].release if held else attempt.release
    record = attempt.store.releases.require(release)
    attempt.proxy.fill("releases", edge.releases_map({**slots.releases(attempt), colour: release}))
    attempt.run(commands.up(attempt.target(release), colour, record.front))
    attempt.memory.started.add(f"front {colour}")
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
    containers = [c for c in slots.containers_in(attempt, colour) if not c.is_singleton]
    slots.keep(attempt, colour, containers)
    if not health.prove_all(attempt, f"front {colour}", containers):
        return False
    release = health.release_of(attempt, containers)
    within = attempt.store.releases.settings(release, attempt.request["app"]).healthy_within
    held = {route.name for route in edge_routes(attempt.store, attempt.routes)}
    attempt.proxy.resume(colour)
    try:
        for route in attempt.store.releases.routes(release, attempt.routes):
            if route.name in held:
                health.await_up(attempt, route, colour, 1, within)
    except probe.Unhealthy as error:
        attempt.memory.failed[f"front {colour}"] = attempt.memory.reason = str(error)
        return False
    return True


def standby(attempt: Attempt, colour: str | None) -> None:
    """The end of standby: the old colour's routed and plain services stop; they come back from what is kept."""
    assert colour is not None
    cut = attempt.proxy.connections(colour)
    slots.stop(attempt, colour, slots.containers_in(attempt, colour))
    _tell_cut(attempt, f"{colour} no longer stands by", cut)


def retire(attempt: Attempt, colour: str | None) -> None:
    """Makes room in the idle slot: what it holds is stopped and removed; volumes are never touched."""
    assert colour is not None
    held = slots.containers_in(attempt, colour)
    cut = attempt.proxy.connections(colour)
    attempt.memory.started -= {f"front {colour}", f"single {colour}"}
    attempt.proxy.fill("drain", "")
    slots.stop(attempt, colour, held)
    for container in held:
        engine.remove(container.id, force=True)
    _tell_cut(attempt, f"retired {held[0].release} from {colour}", cut)


def _tell_cut(attempt: Attempt, what: str, cut: int) -> None:
    """What was still open on a colour that stops; the receipt counts it."""
    attempt.emit("progress", text=f"{what}; open connections cut: {cut}", cut=cut)


def cancel(attempt: Attempt, colour: str | None) -> None:
    """Stops the failed colour; its containers are kept until the slot is used again, their logs with the release."""
    assert colour is not None
    held = slots.containers_in(attempt, colour)
    deadline = time.monotonic() + ANSWERED_WITHIN  # what it was asked while it was live
    while attempt.proxy.connections(colour) and time.monotonic() < deadline:
        time.sleep(0.05)
    for container in held:
        with contextlib.suppress(OSError, SwitchyardError):  # a full disk, or logs that the engine cannot read
            _keep_evidence(attempt, container)
    slots.stop(attempt, colour, held)
    attempt.memory.failed.setdefault(f"front {colour}", attempt.memory.reason or "cancelled")


def _keep_evidence(attempt: Attempt, container: Container) -> None:
    """The last 1000 lines of a container's log and what the engine says of it, without any secret."""
    path = attempt.store.release(attempt.release) / "failed" / container.name
    write(path.with_name(f"{path.name}.log"), attempt.redact(engine.logs(container.id, 1000)))
    description = json.dumps(engine.description(container.id), indent=1, ensure_ascii=False)
    write(path.with_name(f"{path.name}.json"), attempt.redact(description))
