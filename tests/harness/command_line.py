"""``inv`` as a process of its own, in a checkout with a ``tasks.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from switchyard import tasks
from switchyard.core.errors import BadInput
from tests.harness import library

PROD = "app: {name: shop}\nhosts:\n  prod:\n    machines: [{name: a, address: 192.0.2.1}]\n"
"""Settings of one host, which nobody reaches."""


def checkout(folder: Path, settings: str = PROD) -> Path:
    """Write the two files of a checkout."""
    (folder / "tasks.py").write_text("from switchyard.tasks import here\nns = here(__file__)\n")
    (folder / "invoke.yaml").write_text(settings)
    return folder


def python(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with the Switchyard of the tree under test."""
    environment = {**os.environ, "PYTHONPATH": library.python_path(*sys.path), **env}
    argv = [sys.executable, *words]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def fail(text: str, *, as_json: bool = False) -> None:
    """Run a verb that ends with this error in the process of the test."""

    def verb() -> int:
        raise BadInput(text)

    with pytest.MonkeyPatch.context() as patch:
        for module in ("bug", "interruption"):
            patch.setattr(f"switchyard.control.{module}.listen", lambda: None)
        patch.setattr("gc.freeze", lambda: None)
        patch.setattr("gc.set_threshold", lambda *_: None)
        tasks.run(verb, as_json=as_json)


def inv(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``inv`` in a checkout."""
    return python(folder, "-m", "invoke", *words, **env)
