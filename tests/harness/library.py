"""The tree whose verbs the tests run: this one, or an earlier one to see a test fail there."""

from __future__ import annotations

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
VARIABLE = "SWITCHYARD_LIBRARY"
"""Names the other tree in the environment of a test run."""


def tree() -> Path:
    """Return the tree whose verbs run."""
    return Path(os.environ.get(VARIABLE) or TOP)


def python_path(*more: str | Path) -> str:
    """Return the ``PYTHONPATH`` of a process that runs a verb, with ``more`` folders behind the tree."""
    return os.pathsep.join(map(str, (tree(), *more)))
