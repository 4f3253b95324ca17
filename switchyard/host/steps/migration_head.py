"""The head of the database's schema, as the migrations' adapter tells it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from switchyard.core import commands, names
from switchyard.core.app import Migrations
from switchyard.core.tree_pattern import matches
from switchyard.core.wire.release import MigrationHead, ReleaseRecord
from switchyard.host.adapters import process
from switchyard.host.attempt import Attempt

ADAPTER_WITHIN = 120.0
"""Seconds for one command of the adapter."""


class Migrator(NamedTuple):
    """The oneshot that migrates. Its adapter's commands run in its own image."""

    attempt: Attempt
    migrations: Migrations
    folder: Path
    """The application's folder in the release."""
    colour: str

    @classmethod
    def of(cls, attempt: Attempt, record: ReleaseRecord, service: str, colour: str) -> Migrator | None:
        """Return the migrator where a oneshot is the one that migrates."""
        migrations = record.app.migrations
        if migrations is None or migrations.service != service:
            return None
        folder = attempt.store.release(record.id) / "files" / record.app.path
        return cls(attempt, migrations, folder, colour)

    @property
    def tells_pending(self) -> bool:
        """Whether the adapter has a command for what is still to be applied."""
        return bool(self.migrations.pending)

    def files(self) -> tuple[str, ...]:
        """Return the names of the release's migrations, in order."""
        pattern = self.migrations.files
        paths = () if pattern is None else matches(str(self.folder), pattern, os.scandir, os.path.realpath)
        return tuple(sorted(map(os.path.basename, paths)))

    def head(self, record: ReleaseRecord) -> str | None:
        """Return the head as the adapter's command prints it; None where that fails.

        Without such a command the head is the last file of the release whose migrations ran last.
        """
        if not self.migrations.current:
            outcome = record.outcomes.get(self.migrations.service)
            if outcome is None or not outcome.succeeded:
                return self._head_of_live()
            return next(reversed(self.files()), None)
        code, lines = self._run(self.migrations.current)
        return lines[-1][:200] if code == 0 and lines else None

    def head_after(self, before: str | None, record: ReleaseRecord) -> MigrationHead:
        """Return what the record keeps once the migrations ran."""
        return MigrationHead(before, self.head(record), self.files())

    def pending(self) -> str:
        """Return what the adapter's command prints of migrations that are still to be applied."""
        code, lines = self._run(self.migrations.pending)
        return (", ".join(lines)[:500] or "none") if code == 0 else f"unknown, its command ended with {code}"

    def _head_of_live(self) -> str | None:
        live = self.attempt.store.releases.record(self.attempt.before)
        return live.head.after if live and live.head else None

    def _run(self, command: Sequence[str]) -> tuple[int, list[str]]:
        """Run a command in the oneshot's image. Return its exit code and the lines that it printed."""
        release, service = self.attempt.wanted, self.migrations.service
        project, document = names.project(self.attempt.request.app, self.colour), release.target().document(self.colour)
        argv = commands.compose(project, document, "run", "-T", "--no-deps", "--rm", service, *command)
        code, output = process.run(argv, within=ADAPTER_WITHIN, check=False, log=release.log, tick=self.attempt.tick)
        output = release.withheld(service) or release.redact(output)
        return code, [line.strip() for line in output.splitlines() if line.strip()]
