"""Steps on the routed and plain services of one colour: bring them up, prove them, stop them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

from switchyard.core import edge
from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import link, write
from switchyard.host.attempt import Attempt
from switchyard.host.edge_configuration import reached_routes
from switchyard.host.event_log import EventLog
from switchyard.host.steps import health
from switchyard.host.steps.containers import (
    containers_in,
    release_of,
    releases_in_colours,
    restore_policies,
    start,
    stop,
)
from switchyard.host.wanted_release import WantedRelease

ANSWERED_WITHIN = 5.0
"""Seconds that a release which is taken back gets to answer its last requests."""
LOG_LINES = 1000
"""Lines of a failed container's log that stay beside its release."""


def bring_up(attempt: Attempt, colour: str) -> None:
    """Start the colour's routed and plain services, without their dependencies."""
    attempt.memory.failed.pop(f"front {colour}", None)
    release = release_of(containers_in(attempt.request.app, colour)) or attempt.wanted.id
    record = attempt.store.releases.require(release)
    holders = {**releases_in_colours(attempt.request.app), colour: release}
    attempt.proxy.fill("releases", edge.releases_map(holders))
    start(attempt, colour, release, record.front)
    attempt.memory.started.add(f"front {colour}")
    link(attempt.store.root / colour, f"releases/{release}")


def prove(attempt: Attempt, colour: str) -> bool:
    """Prove every routed and plain service healthy, and up where the edge has a route for it."""
    key, releases = f"front {colour}", attempt.store.releases
    containers = [each for each in containers_in(attempt.request.app, colour) if not each.is_singleton]
    restore_policies(releases, colour, containers)
    if not health.prove_all(attempt, key, containers):
        return False
    release = release_of(containers) or attempt.wanted.id
    exclusive = releases.settings(release, attempt.request.app).exclusive
    routes = [route for _, route in reached_routes(attempt.store, release) if route.service not in exclusive]
    return health.await_routes(attempt, key, routes, colour)


def end_standby(attempt: Attempt, colour: str) -> None:
    """Stop the old colour's routed and plain services. A rollback starts them again from what is kept."""
    cut = _stop(attempt, colour, containers_in(attempt.request.app, colour))
    _report_cut(attempt.events, f"{colour} no longer stands by", cut)


def retire(attempt: Attempt, colour: str) -> None:
    """Make room in the idle slot: stop and remove its containers. No step touches volumes."""
    containers = containers_in(attempt.request.app, colour)
    attempt.memory.started -= {f"front {colour}", f"single {colour}"}
    attempt.proxy.fill("drain", "")
    cut = _stop(attempt, colour, containers)
    for container in containers:
        engine.remove(container.id, force=True)
    _report_cut(attempt.events, f"retired {release_of(containers)} from {colour}", cut)


def _stop(attempt: Attempt, colour: str, containers: Sequence[Container]) -> int:
    """Stop a colour that is not live, for as long as the operator waits. Return how many exchanges that cut short."""
    before = attempt.proxy.aborted(colour)
    stop(attempt, colour, containers, listens=not attempt.is_ending)
    return max(0, attempt.proxy.aborted(colour) - before)


def _report_cut(events: EventLog, what: str, cut: int) -> None:
    """Tell how many exchanges were lost with a colour that stopped. The receipt counts them."""
    events.progress(f"{what}; open connections cut: {cut}", cut=cut)


def cancel(attempt: Attempt, colour: str) -> None:
    """Stop a failed colour. Its containers stay until the slot is used again, and their logs as long as the release."""
    containers = containers_in(attempt.request.app, colour)
    deadline = time.monotonic() + ANSWERED_WITHIN  # for requests from the time when it was live
    while attempt.proxy.connections(colour) and time.monotonic() < deadline:
        time.sleep(0.05)
    for container in containers:
        with contextlib.suppress(OSError, SwitchyardError):  # a full disk, or logs that the engine cannot read
            _keep_evidence(attempt.store.release(attempt.wanted.id) / "failed", container, attempt.wanted)
    cut = _stop(attempt, colour, containers)
    if cut:
        _report_cut(attempt.events, f"stopped {release_of(containers)} in {colour}", cut)
    attempt.memory.failed.setdefault(f"front {colour}", attempt.memory.reason or "cancelled")


def _keep_evidence(folder: Path, container: Container, release: WantedRelease) -> None:
    """Write a container's last lines, and what the engine knows of it, beside the release, without secrets."""
    path = folder / container.name
    lines = release.withheld(container.service, container.release) or engine.logs(container.id, LOG_LINES)
    write(path.with_name(f"{path.name}.log"), release.redact(lines))
    description = json.dumps(engine.description(container.id), indent=1, ensure_ascii=False)
    write(path.with_name(f"{path.name}.json"), release.redact(description))
