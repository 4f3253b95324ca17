"""Real servers for tests, and an application in a folder whose checks are run by the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from switchyard.predeploy.database.reference_server import Server

TOP = Path(__file__).resolve().parent.parent
SECONDS = 120
EXTENSION = """DO $$ BEGIN EXECUTE format('CREATE EXTENSION %I SCHEMA {}', (SELECT min(name)
FROM pg_available_extensions WHERE name IN ('citext', 'vector'))); END $$"""
"""Some extension that the server has, into a schema."""


def fresh(server: Server, *texts: str) -> str:
    """A new database with these texts applied; its name."""
    name = server.create()
    with server.open(name) as connection:
        for text in texts:
            connection.execute(text)
    return name


def url(server: Server, database: str, user: str = "postgres") -> str:
    return f"postgresql://{user}@/{database}?host={server.folder}"


class Shop:
    """An application's folder and the checkout that checks it."""

    def __init__(self, folder: Path) -> None:
        self.app, self.checkout = folder / "app", folder / "checkout"
        self.app.mkdir(parents=True)
        self.checkout.mkdir()
        subprocess.run(["git", "init", "--quiet", str(self.app)], check=True)
        (self.checkout / "tasks.py").write_text("from switchyard.tasks import here\nns = here(__file__)\n")
        (self.checkout / "invoke.yaml").write_text(json.dumps({"app": {"path": str(self.app)}}))
        self.settings()

    def settings(self, database: Mapping[str, Any] | None = None, **more: Any) -> None:
        own: dict[str, Any] = {"name": "shop", **more}
        own["predeploy"] = {"database": dict(database or {})}
        (self.app / "invoke.yaml").write_text(json.dumps({"app": own}))

    def write(self, **files: str) -> None:
        """Files by their path, in which __ stands for a slash and _sql for .sql."""
        for name, text in files.items():
            path = self.app / name.replace("__", "/").replace("_sql", ".sql")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def predeploy(self, *words: str, address: str | None = None) -> dict[str, Any]:
        """Each check of the run by its name, with ``exit`` and all that was ``printed``."""
        report = self.checkout / "report.json"
        report.unlink(missing_ok=True)
        kept = {key: os.environ[key] for key in os.environ if key != "DATABASE_URL"}
        own = {"PYTHONPATH": str(TOP), **({"DATABASE_URL": address} if address else {})}
        done = subprocess.run(
            [sys.executable, "-m", "invoke", "predeploy", "--json", str(report), *(words or ("--only", "database"))],
            cwd=self.checkout,
            env={**kept, **own},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert "Traceback" not in printed, printed
        assert report.exists(), printed
        read = json.loads(report.read_text())
        return {**{each["name"]: each for each in read["checks"]}, "exit": done.returncode, "printed": printed}


def found(result: Mapping[str, Any], rule: str) -> list[str]:
    """The places of a rule's findings."""
    return [each["place"] for each in result["findings"] if each["rule"] == rule]
