"""Run the oneshots of a release, and record the head of its migrations."""

from __future__ import annotations

import time
from dataclasses import replace

from switchyard.core import commands, names
from switchyard.core.errors import Refused
from switchyard.core.wire.release import OneshotOutcome, ReleaseRecord
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.kernel import now
from switchyard.host.adapters.releases import Releases
from switchyard.host.attempt import Attempt
from switchyard.host.reach import require_own
from switchyard.host.steps.migration_head import Migrator

ONESHOT_WITHIN = 900.0
"""Seconds for one oneshot."""
REMOVED_WITHIN = 20.0
"""Seconds in which the engine removes a container."""
SKIPPED = OneshotOutcome(exit=0, seconds=0, skipped="a rollback runs no oneshot")


def run_oneshots(attempt: Attempt, colour: str) -> bool:
    """Run each oneshot once, in order, up to one that fails. Record what each did, and guess nothing."""
    record, idle = attempt.wanted.record, attempt.site().idle
    for service in record.oneshots:
        outcome = record.outcomes.get(service)
        if outcome is not None and outcome.succeeded:
            continue
        if attempt.request.back:
            record = _record(attempt.store.releases, record, service, SKIPPED)
            continue
        if not attempt.request.force:
            _refuse_repetition(attempt.store.releases, record, service)
        _stop_leftovers(attempt)
        record = _run(attempt, record, service, idle)
        if not record.outcomes[service].succeeded:
            return False
    return True


def _run(attempt: Attempt, record: ReleaseRecord, service: str, colour: str) -> ReleaseRecord:
    """Run one oneshot. Return the record with its outcome. After the one that migrates, write the schema's head."""
    document = attempt.store.releases.document(record.id, colour)
    require_own(attempt.store, attempt.request.app, document, [service])
    migrator = Migrator.of(attempt, record, service, colour)
    head = migrator.head(record) if migrator else None
    record = _record(attempt.store.releases, record, service, OneshotOutcome(begun=round(time.time(), 3)))
    if migrator and migrator.tells_pending:
        attempt.events.progress(f"pending migrations: {migrator.pending()}")
    attempt.events.progress(f"running {service}")
    argv = commands.oneshot(attempt.wanted.target(), colour, service)
    started = now()
    try:
        code, output = attempt.commands.run(argv, within=ONESHOT_WITHIN, check=False)
    finally:
        _remove_container(argv[argv.index("--name") + 1])
    record = _record(
        attempt.store.releases, record, service, OneshotOutcome(exit=code, seconds=round(now() - started, 2))
    )
    if migrator:
        attempt.store.releases.update(record.id, head=migrator.head_after(head, record))
    if code != 0:
        output = attempt.wanted.withheld(service) or output.strip()
        attempt.memory.reason = f"{service} ended with {code}:\n{output}"
    return record


def _record(releases: Releases, record: ReleaseRecord, service: str, outcome: OneshotOutcome) -> ReleaseRecord:
    """Write the outcome of a oneshot down at once."""
    outcomes = {**record.outcomes, service: outcome}
    releases.update(record.id, outcomes=outcomes)
    return replace(record, outcomes=outcomes)


def _refuse_repetition(releases: Releases, record: ReleaseRecord, service: str) -> None:
    """Refuse to run a migration again that must not be repeated, where nobody knows how its last run ended."""
    migrations = record.app.migrations
    is_once = migrations is not None and migrations.service == service and migrations.repeat == "never"
    release = _release_of_unknown_end(releases, service) if is_once else None
    if release:
        raise Refused(
            f"{service} started for {release}, and how it ended is not known; it must not be repeated "
            "(migrations.repeat: never). Look at the database, then deploy with --force"
        )


def _release_of_unknown_end(releases: Releases, service: str) -> str | None:
    """Return the release for which a oneshot started last, where nobody knows how that ended."""
    for record in releases.records():
        outcome = record.outcomes.get(service)
        if outcome is not None:
            return record.id if outcome.exit is None else None
    return None


def _stop_leftovers(attempt: Attempt) -> None:
    """Stop what a killed attempt left of its oneshots: a second migration must never run beside one.

    The holder of the lease runs none yet, so every container of this kind is such a leftover.
    """
    for container in engine.containers(f"{names.APP}={attempt.request.app}", f"{names.KIND}=oneshot"):
        if container.is_up:
            attempt.events.progress(f"stopping {container.name}, which a killed attempt left running")
            argv = commands.stop([container.name])
            process.run(argv, check=False, log=attempt.wanted.log, tick=attempt.tick)
        _remove_container(container.name)


def _remove_container(name: str) -> None:
    """Remove a container that may be gone, or whose removal is under way."""
    process.run(["docker", "rm", "-f", name], check=False)
    deadline = time.monotonic() + REMOVED_WITHIN
    while engine.inspect(name) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
