"""``inv services``: each service's kind with the reason, and the documents that a deploy would use."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from switchyard.control import commit as source
from switchyard.control import commit_files, compose
from switchyard.control.channel import env_of
from switchyard.control.screen import Screen
from switchyard.core.split import Split, split
from switchyard.settings import load as settings

SHORTEST = 4
"""Characters of the shortest value that is hidden wherever it stands: hiding a `1` would hide everything."""


def services(checkout: Path, host_name: str, *, explain: bool) -> int:
    """Prints a table, or with ``explain`` the documents without the values of variables."""
    host = settings.host(checkout, host_name)
    picked = source.pick(host.app_folder, None, allow_dirty=True)
    app = settings.application(host, source.show(picked, "invoke.yaml"), picked.folder)
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        commit_files.export(picked.repository, picked.commit, Path(folder))
        env = compose.env_values(env_of(host))
        document = compose.resolve(Path(folder), app, env)
    parts = split(
        document,
        app=app,
        release="RELEASE",
        root="ROOT",
        tracked=commit_files.tracked(picked.repository, picked.commit),
        folder=picked.folder,
    )
    if explain:
        print(json.dumps(documents(parts, env.values()), indent=2))
        return 0
    table = Table("service", "kind", "why", box=None)
    for name, kind in parts.kinds.items():
        table.add_row(name, kind.kind, kind.reason)
    screen = Screen(as_json=False)
    screen.console.print(table)
    for note in parts.notes:
        screen.say(f"note: {note}")
    return 0


def documents(parts: Split, values: Collection[str]) -> dict[str, Any]:
    """The documents without variables' values: neither where variables stand nor where one was filled in."""
    secret = sorted({value.replace("$", "$$") for value in values if len(value) >= SHORTEST}, key=len, reverse=True)
    found = {"shared": parts.shared, **parts.colours, "build": parts.build}
    return {name: _hidden(document, secret) for name, document in found.items()}


def _hidden(value: Any, secret: Sequence[str], key: str = "") -> Any:
    if isinstance(value, str):
        for one in secret:
            value = value.replace(one, "…")
    if key in ("environment", "args", "content"):
        return dict.fromkeys(value, "…") if isinstance(value, dict) else "…"
    if isinstance(value, dict):
        return {name: _hidden(item, secret, name) for name, item in value.items()}
    return [_hidden(item, secret) for item in value] if isinstance(value, list) else value
