"""``inv services``: each service's kind with the reason, and the documents that a deploy would use."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from rich.table import Table

from switchyard import resolve, settings, source
from switchyard.core.split import Split, split
from switchyard.screen import Screen


def services(checkout: Path, host_name: str, *, explain: bool) -> int:
    """Prints a table, or with ``explain`` the documents without the values of variables."""
    host = settings.host(checkout, host_name)
    picked = source.pick(host.app_folder, None, allow_dirty=True)
    app = settings.application(host, source.show(picked, "invoke.yaml"), picked.folder)
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        resolve.export(picked.repository, picked.commit, Path(folder))
        document = resolve.resolve(Path(folder), app, settings.env_values(settings.environment(host)))
    parts = split(
        document,
        app=app,
        release="RELEASE",
        root="ROOT",
        tracked=resolve.tracked(picked.repository, picked.commit),
        folder=picked.folder,
    )
    if explain:
        print(json.dumps(_documents(parts), indent=2))
        return 0
    table = Table("service", "kind", "why", box=None)
    for name, kind in parts.kinds.items():
        table.add_row(name, kind.kind, kind.reason)
    screen = Screen(as_json=False)
    screen.console.print(table)
    for note in parts.notes:
        screen.say(f"note: {note}")
    return 0


def _documents(parts: Split) -> dict[str, Any]:
    return {
        "shared": _hidden(parts.shared),
        **{colour: _hidden(d) for colour, d in parts.colours.items()},
        "build": _hidden(parts.build),
    }


def _hidden(value: Any, key: str = "") -> Any:
    if key in ("environment", "args", "content"):
        return dict.fromkeys(value, "…") if isinstance(value, dict) else "…"
    if isinstance(value, dict):
        return {name: _hidden(item, name) for name, item in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, list) else value
