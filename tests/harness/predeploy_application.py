"""A small application and the checkout that checks it, run through ``inv predeploy`` as a person types it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
SECONDS = 60.0
COMPOSE = """\
services:
  web:
    image: nginx:1.27.3
    ports: ["8000:8000"]
    healthcheck: {test: [CMD, "true"]}
"""


@dataclass
class Said:
    """What a run of predeploy said."""

    code: int
    text: str
    json: dict[str, Any]

    def check(self, name: str) -> dict[str, Any]:
        check: dict[str, Any]
        (check,) = [each for each in self.json["checks"] if each["name"] == name]
        return check

    def rules(self, name: str, severity: str = "error") -> list[str]:
        """The rules of a check's findings."""
        return [each["rule"] for each in self.check(name)["findings"] if each["severity"] == severity]


@dataclass
class Application:
    """One service in a repository of its own, and a checkout beside it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    """What the command's process sees beyond this one's."""
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.app, self.checkout = self.folder / "app", self.folder / "checkout"
        self.write("compose.yaml", COMPOSE)
        subprocess.run(["git", "init", "--quiet", str(self.app)], check=True, timeout=SECONDS)
        self.checkout.mkdir()
        (self.checkout / "tasks.py").write_text("from switchyard.tasks import here\nns = here(__file__)\n")
        (self.checkout / "invoke.yaml").write_text(json.dumps({"app": {"name": "small", "path": str(self.app)}}))

    def write(self, name: str, text: str | bytes) -> Path:
        """A file of the application."""
        path = self.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def settings(self, **predeploy: Any) -> None:
        """``app.predeploy`` of the application."""
        self.write("invoke.yaml", json.dumps({"app": {"name": "small", "predeploy": predeploy}}))

    def predeploy(self, only: str, *words: str) -> Said:
        """Runs the named checks on all that is added to git."""
        subprocess.run(["git", "-C", str(self.app), "add", "--all"], check=True, timeout=SECONDS)
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "invoke", "predeploy", "--only", only, "--json", str(told), *words],
            cwd=self.checkout,
            env={**os.environ, "PYTHONPATH": str(TOP), "COLUMNS": "400", **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout, json.loads(told.read_text()) if told.exists() else {})
