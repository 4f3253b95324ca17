"""The oneshots of a release, and the head of its migrations."""

from __future__ import annotations

import time
from collections.abc import Sequence

from switchyard.core import commands, names
from switchyard.core.app import Migrations
from switchyard.core.errors import Refused
from switchyard.core.wire.release import MigrationHead, OneshotOutcome
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.kernel import now
from switchyard.host.attempt import Attempt

ONESHOT_WITHIN = 900.0
ADAPTER_WITHIN = 120.0
REMOVED_WITHIN = 20.0


def oneshots(attempt: Attempt, colour: str | None) -> bool:
    """Each oneshot once, in order, up to one that fails; what it did is recorded, never guessed."""
    idle = attempt.site().idle
    app, record = attempt.app, attempt.record
    outcomes = dict(record.outcomes)
    for service in record.oneshots:
        if service in outcomes and outcomes[service].succeeded:
            continue
        if attempt.request.get("back"):
            outcomes[service] = OneshotOutcome(exit=0, seconds=0, skipped="a rollback runs no oneshot")
            attempt.store.releases.update(attempt.release, outcomes=outcomes)
            continue
        migrates = app.migrations is not None and app.migrations.service == service
        once = migrates and app.migrations is not None and app.migrations.repeat == "never"
        torn = _begun_and_not_ended(attempt, service) if once and not attempt.request.get("force") else None
        if torn:
            raise Refused(
                f"{service} was begun for {torn} and how it ended is not known; it must not be repeated "
                "(migrations.repeat: never). Look at the database, then deploy with --force"
            )
        _end_left(attempt)
        before = _head(attempt, idle) if migrates else None
        outcomes[service] = OneshotOutcome(begun=round(time.time(), 3))
        attempt.store.releases.update(attempt.release, outcomes=outcomes)
        if migrates and app.migrations is not None and app.migrations.pending:
            attempt.emit("progress", text=f"pending migrations: {_pending(attempt, idle, app.migrations)}")
        attempt.emit("progress", text=f"running {service}")
        argv = commands.oneshot(attempt.target(), idle, service)
        name = argv[argv.index("--name") + 1]
        started = now()
        try:
            code, output = attempt.run(argv, within=ONESHOT_WITHIN, check=False)
        finally:
            _remove_container(name)
        outcomes[service] = OneshotOutcome(exit=code, seconds=round(now() - started, 2))
        attempt.store.releases.update(attempt.release, outcomes=outcomes)
        if migrates:
            head = MigrationHead(before, _head(attempt, idle), tuple(_migration_files(attempt)))
            attempt.store.releases.update(attempt.release, head=head)
        if code != 0:
            attempt.memory.reason = f"{service} ended with {code}:\n{output.strip()[-2000:]}"
            return False
    return True


def _end_left(attempt: Attempt) -> None:
    """What a killed attempt left of its oneshots stops, in its grace period: a second migration never runs beside one.

    Whoever holds the lease runs none yet, so every container of this kind is such a rest.
    """
    for container in engine.containers(f"{names.APP}={attempt.app.name}", f"{names.KIND}=oneshot"):
        name = container.name
        if container.is_up:
            attempt.emit("progress", text=f"stopping {name}, which an attempt that was killed left running")
            process.run(commands.stop([name]), check=False, log=attempt.log, tick=attempt.tick)
        _remove_container(name)


def _remove_container(name: str) -> None:
    """A container that may not be there gone, also where its removal is under way already."""
    process.run(["docker", "rm", "-f", name], check=False)
    deadline = time.monotonic() + REMOVED_WITHIN
    while engine.inspect(name) is not None and time.monotonic() < deadline:
        time.sleep(0.05)


def _begun_and_not_ended(attempt: Attempt, service: str) -> str | None:
    """The release for which a oneshot was begun last, where nobody knows how it ended and none has succeeded since."""
    for record in attempt.store.releases.records():
        outcome = record.outcomes.get(service)
        if outcome is not None:
            return record.id if outcome.exit is None else None
    return None


def _migration_files(attempt: Attempt) -> list[str]:
    migrations = attempt.app.migrations
    if migrations is None or migrations.files is None:
        return []
    folder = attempt.store.release(attempt.release) / "files" / attempt.app.path
    return sorted(path.name for path in folder.glob(migrations.files))


def _head(attempt: Attempt, colour: str) -> str | None:
    """The schema's head as the adapter's command tells it, else the last file; None where neither does."""
    migrations = attempt.app.migrations
    if migrations is None or not migrations.current:
        outcome = attempt.record.outcomes.get(migrations.service if migrations else "")
        ran = outcome is not None and outcome.succeeded
        files = _migration_files(attempt)
        return (files[-1] if files else None) if ran else _head_of_live(attempt)
    code, lines = _adapter(attempt, colour, migrations.service, migrations.current)
    return lines[-1][:200] if code == 0 and lines else None


def _pending(attempt: Attempt, colour: str, migrations: Migrations) -> str:
    """What the adapter's command says is still to be applied."""
    code, lines = _adapter(attempt, colour, migrations.service, migrations.pending)
    return (", ".join(lines)[:500] or "none") if code == 0 else f"unknown, its command ended with {code}"


def _adapter(attempt: Attempt, colour: str, service: str, command: Sequence[str]) -> tuple[int, list[str]]:
    """A command of the migrations' adapter in their service's image: its exit code and what it printed."""
    project, document = names.project(attempt.app.name, colour), attempt.target().document(colour)
    argv = commands.compose(project, document, "run", "-T", "--no-deps", "--rm", service, *command)
    code, output = process.run(argv, within=ADAPTER_WITHIN, check=False, log=attempt.log, tick=attempt.tick)
    return code, [line.strip() for line in output.splitlines() if line.strip()]


def _head_of_live(attempt: Attempt) -> str | None:
    record = attempt.store.releases.record(attempt.before)
    return record.head.after if record and record.head else None
