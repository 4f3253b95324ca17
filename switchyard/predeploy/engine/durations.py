"""How long each check usually takes: the runner starts the longest first, the screen shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from switchyard.control.whole_file import SHARED, write_whole
from switchyard.core.wire import json_text
from switchyard.predeploy.engine.result import Result
from switchyard.predeploy.engine.subject import Subject


def load(subject: Subject) -> dict[str, float]:
    """Return the seconds of each check's last run, by name."""
    try:
        content = json_text.parse_object(_path(subject).read_text())
    except (OSError, ValueError):
        return {}
    return {name: float(seconds) for name, seconds in content.items() if isinstance(seconds, (int, float))}


def save(subject: Subject, before: Mapping[str, float], results: Mapping[str, Result]) -> None:
    """Add the durations of the checks that ran."""
    taken = {name: result.seconds for name, result in results.items() if result.cached is None}
    subject.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(_path(subject), json.dumps({**before, **taken}), mode=SHARED)


def _path(subject: Subject) -> Path:
    return subject.state / "usual.json"
