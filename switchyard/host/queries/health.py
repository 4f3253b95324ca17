"""The health of containers as it is known now. Nothing here waits for a probe that is slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence

from switchyard.core.app import Check
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters import engine, probe
from switchyard.host.adapters.container import Container, ContainerDetails

PROBES_WITHIN = 0.3
"""Seconds for all probes of our own together, which run side by side."""
PROVEN = ("live", "good", "unverified")
"""The states of a release whose containers a deploy proved healthy."""


def of_containers(containers: Sequence[Container], record: ReleaseRecord) -> bool | None:
    """Return whether all are healthy: False where one is not, else None where one is unknown or did not answer yet."""
    seen: dict[str, bool | None] = {container.id: None for container in containers}
    ports = {route.service: route.port for route in record.routes}
    probes = []
    for container in containers:
        details = engine.inspect(container.id)
        if details is None or details.status != "running":
            continue
        check = record.app.checks.get(container.service)
        if check is None and details.health_command is not None:
            seen[container.id] = last_result(details, record)
        else:
            probes.append((details, check, ports.get(container.service)))
    seen.update(_probe_at_once(probes))
    verdicts = tuple(seen.values())
    if False in verdicts:
        return False
    return None if None in verdicts or not verdicts else True


def last_result(details: ContainerDetails, record: ReleaseRecord) -> bool | None:
    """Return what the engine's check said last; before its first result, what the deploy proved of this very start."""
    if details.health == "starting" and record.state in PROVEN and details.started <= (record.since or 0.0):
        return True
    return {"healthy": True, "unhealthy": False}.get(details.health)


def _probe_at_once(probes: Iterable[tuple[ContainerDetails, Check | None, int | None]]) -> dict[str, bool]:
    """Return the answers of ``PROBES_WITHIN`` by container. A thread that is late ends with the program."""
    answers: dict[str, bool] = {}

    def probe_one(details: ContainerDetails, check: Check | None, port: int | None) -> None:
        answers[details.id] = probe.once(details, check, port).passed

    threads = [threading.Thread(target=probe_one, args=each, daemon=True) for each in probes]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PROBES_WITHIN
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(answers)
