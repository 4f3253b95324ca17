"""A small application and the checkout that runs ``inv predeploy`` on it, as a person does."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness import library

SECONDS = 60.0
COMPOSE = """\
services:
  web:
    image: nginx:1.27.3
    ports: ["8000:8000"]
    healthcheck: {test: [CMD, "true"]}
"""


@dataclass
class PredeployRun:
    """The outcome of a run of predeploy."""

    code: int
    text: str
    json: dict[str, Any]

    def check(self, name: str) -> dict[str, Any]:
        """Return a check's entry of the JSON."""
        entry: dict[str, Any]
        (entry,) = [check for check in self.json["checks"] if check["name"] == name]
        return entry

    def rules(self, name: str, severity: str = "error") -> list[str]:
        """Return the rules of a check's findings."""
        findings = self.check(name)["findings"]
        return [finding["rule"] for finding in findings if finding["severity"] == severity]


@dataclass
class Application:
    """One service in a repository of its own, and a checkout beside it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    """What the command's environment adds to this process's."""
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.app, self.checkout = self.folder / "app", self.folder / "checkout"
        self.write("compose.yaml", COMPOSE)
        subprocess.run(["git", "init", "--quiet", str(self.app)], check=True, timeout=SECONDS)
        self.checkout.mkdir()
        (self.checkout / "tasks.py").write_text("from switchyard.tasks import here\nns = here(__file__)\n")
        (self.checkout / "invoke.yaml").write_text(json.dumps({"app": {"name": "small", "path": str(self.app)}}))

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file of the application and return its path."""
        path = self.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def allow(self, **allowance: Any) -> None:
        """Let the settings of the checkout allow the application's commits something."""
        app = {"name": "small", "path": str(self.app), "allow": allowance}
        (self.checkout / "invoke.yaml").write_text(json.dumps({"app": app}))

    def settings(self, **predeploy: Any) -> None:
        """Set the application's ``app.predeploy``."""
        self.write("invoke.yaml", json.dumps({"app": {"name": "small", "predeploy": predeploy}}))

    def predeploy(self, only: str, *words: str) -> PredeployRun:
        """Add all files to git, and run the named checks on them."""
        subprocess.run(["git", "-C", str(self.app), "add", "--all"], check=True, timeout=SECONDS)
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "invoke", "predeploy", "--only", only, "--json", str(report), *words],
            cwd=self.checkout,
            env={**os.environ, "PYTHONPATH": library.python_path(), "COLUMNS": "400", **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        result = json.loads(report.read_text()) if report.exists() else {}
        return PredeployRun(done.returncode, done.stdout, result)
