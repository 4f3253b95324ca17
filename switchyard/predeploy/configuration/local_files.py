"""Paths that the settings and the env name on the control node."""

from __future__ import annotations

import os
from pathlib import Path

from switchyard.predeploy.engine.subject import Subject


def local_path(subject: Subject, name: str) -> Path:
    """Return the path that a setting names: ``~`` is the user's home, and a relative path starts at the checkout."""
    path = Path(os.path.expanduser(name))
    return path if path.is_absolute() else subject.checkout / path
