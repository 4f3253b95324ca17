"""An application with a database, in a folder, whose checks the real command line runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.harness import library

SECONDS = 120


class Shop:
    """An application's folder, and the checkout that checks it."""

    def __init__(self, folder: Path) -> None:
        self.app, self.checkout = folder / "app", folder / "checkout"
        self.app.mkdir(parents=True)
        self.checkout.mkdir()
        subprocess.run(["git", "init", "--quiet", str(self.app)], check=True)
        (self.checkout / "tasks.py").write_text("from switchyard.tasks import here\nns = here(__file__)\n")
        (self.checkout / "invoke.yaml").write_text(json.dumps({"app": {"path": str(self.app)}}))
        self.settings()

    def allow(self, **allowance: Any) -> None:
        """Let the settings of the checkout allow the application's commits something."""
        app = {"path": str(self.app), "allow": allowance}
        (self.checkout / "invoke.yaml").write_text(json.dumps({"app": app}))

    def settings(self, database: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Write ``app.predeploy.database`` and other settings of the application."""
        app: dict[str, Any] = {"name": "shop", **more}
        app["predeploy"] = {"database": dict(database or {})}
        (self.app / "invoke.yaml").write_text(json.dumps({"app": app}))

    def write(self, **files: str) -> None:
        """Write files by their path, in which __ stands for a slash and _sql for .sql."""
        for name, text in files.items():
            path = self.app / name.replace("__", "/").replace("_sql", ".sql")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def predeploy(self, *words: str, address: str | None = None) -> dict[str, Any]:
        """Run the checks and return each result by name, with ``exit`` and the screen as ``printed``."""
        report = self.checkout / "report.json"
        report.unlink(missing_ok=True)
        environment = {key: os.environ[key] for key in os.environ if key != "DATABASE_URL"}
        environment |= {"PYTHONPATH": library.python_path(), **({"DATABASE_URL": address} if address else {})}
        command = subprocess.run(
            [sys.executable, "-m", "invoke", "predeploy", "--json", str(report), *(words or ("--only", "database"))],
            cwd=self.checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        printed = command.stdout + command.stderr
        assert "Traceback" not in printed, printed
        assert report.exists(), printed
        checks = json.loads(report.read_text())["checks"]
        return {**{check["name"]: check for check in checks}, "exit": command.returncode, "printed": printed}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return an application without files."""
    return Shop(tmp_path)


def places_of(result: Mapping[str, Any], rule: str) -> list[str]:
    """Return the places of a rule's findings."""
    return [finding["place"] for finding in result["findings"] if finding["rule"] == rule]


def commit_all(shop: Shop) -> None:
    """Commit every file of the application."""
    for words in (("add", "--all"), ("commit", "--quiet", "--message", "x")):
        subprocess.run(["git", "-C", str(shop.app), *words], check=True)


def set_upstream(shop: Shop, pattern: str) -> None:
    """Commit the files that match a pattern and give the branch an upstream with them."""
    for words in ("checkout -qb main", f"add {pattern}", "commit -qm one", "branch before", "branch -u before"):
        subprocess.run(["git", "-C", str(shop.app), *words.split()], check=True, capture_output=True)


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds. Fail after 30 s."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
