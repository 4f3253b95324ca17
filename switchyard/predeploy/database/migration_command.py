"""The application's own command that builds its schema, run on a reference server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from switchyard.control import terminal
from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.reference_server import USER, ReferenceDatabase
from switchyard.predeploy.engine.subject import Subject

APPLY_SECONDS_MAX = 600
UNTIL = "SWITCHYARD_MIGRATION"
"""The variable that tells the command where to stop: the ledger's applied migrations, separated by spaces."""


class CommandFailed(NotChecked):
    """The application's command ended with an error."""


def run_migration_command(subject: Subject, database: ReferenceDatabase, until: str) -> None:
    """Run the command with the database's address. Raise ``NotChecked`` where it fails.

    ``until`` is where the command must stop; empty: after the newest migration.
    """
    migrations = subject.app.migrations
    assert migrations is not None
    server, name = database
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "DATABASE_URL": f"postgresql://{USER}@/{name}?host={server.folder}",
        "PGHOST": str(server.folder),
        "PGUSER": USER,
        "PGDATABASE": name,
        **({UNTIL: until} if until else {}),
    }
    shown = " ".join(migrations.apply)
    try:
        with tempfile.TemporaryDirectory(prefix="switchyard-") as home:
            command = subprocess.run(
                migrations.apply,
                capture_output=True,
                text=True,
                errors="replace",
                cwd=subject.folder,
                env={**environment, "HOME": home},
                stdin=subprocess.DEVNULL,
                timeout=APPLY_SECONDS_MAX,
                check=False,
            )
    except OSError as error:
        raise NotChecked(f"app.migrations.apply: {shown}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise NotChecked(f"app.migrations.apply: {shown} did not end within {APPLY_SECONDS_MAX} s") from None
    if command.returncode != 0:
        output = terminal.shown(command.stderr.strip() or command.stdout.strip()).splitlines()[-3:]
        raise CommandFailed(f"app.migrations.apply: {shown} ended with {command.returncode}: {' / '.join(output)}")
