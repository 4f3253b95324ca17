"""``inv services``: the kind of each service with the reason, and the documents that a deploy would use."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from switchyard.control import commit_files, compose, known_secrets
from switchyard.control.builds import image_facts
from switchyard.control.commit import pick_commit
from switchyard.control.env_files import env_files_of
from switchyard.control.host_env import host_env
from switchyard.control.release import application_of
from switchyard.control.screen import Screen
from switchyard.core.redact import Redactor
from switchyard.core.secrecy import names_of
from switchyard.core.split import Split, split
from switchyard.core.wire.message import Json
from switchyard.settings import load
from switchyard.settings.env import named_texts


def services(checkout: Path, host_name: str, *, explain: bool) -> int:
    """Print a table; with ``explain`` the documents without any variable's value. Return the exit code."""
    host = load.host(checkout, host_name)
    commit = pick_commit(host.app_folder, None, allow_dirty=True)
    app, public = application_of(host, commit), host.setting.public_keys
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        commit_files.export(commit.repository, commit.id, Path(folder))
        variables = compose.env_values(host_env(host))
        named = named_texts(host)
        beside = [compose.env_values(text, name) for name, text in named.items()]
        known_secrets.decide([variables, *beside], None, Path(folder), public=public)
        document = compose.resolve(
            Path(folder), app, variables, env_files_of(Path(folder), app, variables, named, host.name)
        )
        facts = image_facts(document, Path(folder), app)
        secrets = known_secrets.decide([variables, *beside], document, Path(folder) / app.project_folder, public=public)
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
        print(json.dumps(documents(parts, Redactor(secrets, names_of(document))), indent=2))
    else:
        show(parts, Screen(as_json=False))
    return 0


def show(parts: Split, screen: Screen) -> None:
    """Show each service's kind, each route with its mode, and the notes of the split."""
    screen.table(("service", "kind", "why"), ((name, kind.kind, kind.reason) for name, kind in parts.kinds.items()))
    routes = zip(parts.routes, parts.modes, strict=True)
    rows = ((route.identity, f"{route.service}:{route.port}", route.mode, why) for route, why in routes)
    screen.table(("route", "leads to", "mode", "why"), rows)
    for note in parts.notes:
        screen.say(f"note: {note}")


def documents(parts: Split, redact: Redactor) -> dict[str, Json]:
    """Return the documents without variables, and without the secrets that Compose filled in elsewhere."""
    every = {"shared": parts.shared, **parts.colours, "build": parts.build}
    return {name: _hidden(document, redact) for name, document in every.items()}


def _hidden(value: Json, redact: Redactor, key: str = "") -> Json:
    if isinstance(value, str):
        value = redact(value)
    if key in ("environment", "args", "content"):
        return dict.fromkeys(value, "…") if isinstance(value, Mapping) else "…"
    if isinstance(value, Mapping):
        return {name: _hidden(item, redact, name) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_hidden(item, redact) for item in value]
    return value
