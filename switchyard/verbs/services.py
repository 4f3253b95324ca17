"""``inv services``: the kind of each service with the reason, and the documents that a deploy would use."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from switchyard.control import commit_files, compose
from switchyard.control.builds import image_facts
from switchyard.control.commit import pick_commit
from switchyard.control.env_files import env_files_of
from switchyard.control.host_env import host_env
from switchyard.control.release import application_of
from switchyard.control.screen import Screen
from switchyard.core.split import Split, split
from switchyard.core.wire.message import Json
from switchyard.settings import load
from switchyard.settings.env import named_texts

HIDDEN_FROM = 4
"""Characters of the shortest value that is hidden wherever it occurs: hiding every ``1`` would hide everything."""


def services(checkout: Path, host_name: str, *, explain: bool) -> int:
    """Print a table; with ``explain`` the documents without any variable's value. Return the exit code."""
    host = load.host(checkout, host_name)
    commit = pick_commit(host.app_folder, None, allow_dirty=True)
    app = application_of(host, commit)
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        commit_files.export(commit.repository, commit.id, Path(folder))
        variables = compose.env_values(host_env(host))
        named = named_texts(host)
        document = compose.resolve(
            Path(folder), app, variables, env_files_of(Path(folder), app, variables, named, host.name)
        )
        secrets = [value for name, text in named.items() for value in compose.env_values(text, name).values()]
        facts = image_facts(document, Path(folder), app)
    tracked = commit_files.tracked(commit.repository, commit.id)
    parts = split(
        document,
        app=app,
        release="RELEASE",
        root="ROOT",
        tracked=tracked,
        folder=app.project_folder,
        facts=facts,
    )
    if explain:
        print(json.dumps(documents(parts, [*variables.values(), *secrets]), indent=2))
    else:
        show(parts, Screen(as_json=False))
    return 0


def show(parts: Split, screen: Screen) -> None:
    """Show each service's kind, each route with its mode, and the notes of the split."""
    table = Table("service", "kind", "why", box=None)
    for name, kind in parts.kinds.items():
        table.add_row(name, kind.kind, kind.reason)
    screen.console.print(table)
    routes = Table("route", "leads to", "mode", "why", box=None)
    for route, why in zip(parts.routes, parts.modes, strict=True):
        routes.add_row(escape(route.public), f"{route.service}:{route.port}", route.mode, why)
    screen.console.print(routes)
    for note in parts.notes:
        screen.say(f"note: {note}")


def documents(parts: Split, values: Collection[str]) -> dict[str, Json]:
    """Return the documents without variables: neither their values nor what Compose filled in for them."""
    secret = {value.replace("$", "$$") for value in values if len(value) >= HIDDEN_FROM}
    longest_first = sorted(secret, key=len, reverse=True)
    every = {"shared": parts.shared, **parts.colours, "build": parts.build}
    return {name: _hidden(document, longest_first) for name, document in every.items()}


def _hidden(value: Json, secret: Sequence[str], key: str = "") -> Json:
    if isinstance(value, str):
        for text in secret:
            value = value.replace(text, "…")
    if key in ("environment", "args", "content"):
        return dict.fromkeys(value, "…") if isinstance(value, Mapping) else "…"
    if isinstance(value, Mapping):
        return {name: _hidden(item, secret, name) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_hidden(item, secret) for item in value]
    return value
