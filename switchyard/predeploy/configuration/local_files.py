"""Paths that the settings and the env name on the control node."""

from __future__ import annotations

import os
from pathlib import Path

from switchyard.control.allowances import Need
from switchyard.core.wire.allowance import NOTHING, Allowance
from switchyard.predeploy.engine.subject import Subject


def local_path(subject: Subject, name: str) -> Path:
    """Return the path that a setting names: ``~`` is the user's home, and a relative path starts at the checkout."""
    path = Path(os.path.expanduser(name))
    return path if path.is_absolute() else subject.checkout / path


def need_of_file(subject: Subject, setting: tuple[str, ...], name: str) -> Need:
    """Return what a setting needs to look at a file; nothing for one in the application's own repository."""
    is_own = local_path(subject, name).resolve().is_relative_to(subject.repository.resolve())
    return Need(setting, NOTHING if is_own else Allowance(files=(name,)))
