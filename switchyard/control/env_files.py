"""The env files of a compose file that the commit lacks: what stands for each on the host."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from switchyard.control import compose
from switchyard.control.compose import EnvFiles
from switchyard.control.compose_paths import Places
from switchyard.core.app import App
from switchyard.core.errors import BadInput
from switchyard.core.wire.message import Json
from switchyard.core.wire.section import Section

WHOLE = ".env"
"""The name that stands for the whole env of the host, in the folder of the compose file or of the application."""
_MAY_NAME_ONE = ("env_file", "include", "extends")
"""Words of a compose file without which no service of it has an env file."""


class Entry(NamedTuple):
    """One entry of a service's ``env_file``."""

    path: str
    """Absolute."""
    required: bool

    @classmethod
    def decode(cls, value: Json, at: str) -> Entry:
        entry = Section.of({"path": value} if isinstance(value, str) else value, at)
        return cls(entry.text("path") or "", entry.flag("required", default=True))

    def named(self, places: Places) -> str:
        """Return its path from the folder of the compose file."""
        return os.path.relpath(self.path, places.project)


def env_files_of(
    exported: Path,
    app: App,
    env: Mapping[str, str],
    named: Mapping[str, str],
    host: str = "",
    ships: Collection[str] | None = None,
) -> EnvFiles:
    """Return what stands for the env files that the commit lacks. Raise ``BadInput`` with every one that has nothing.

    ``named`` maps the path of an env file, from the compose file's folder, to the text that the host's entry names for
    it. ``ships``: the paths of the commit's files; default: all that is there.
    """
    places = Places(exported.resolve(), app)
    texts = {posixpath.normpath(name): name for name in named}
    services: dict[str, tuple[tuple[str, str], ...]] = {}
    problems: list[str] = []
    notes: list[str] = []
    entries = _entries(places, env)
    for service, (is_run, files) in entries.items():
        stands = {entry: _stands_for(places, entry, texts, ships) for entry in files}
        for entry in [entry for entry in files if stands[entry] is None and is_run]:
            if entry.required:
                problems.append(_problem(places, service, entry, host))
            else:
                name = entry.named(places)
                notes.append(f"env_file {name} of {service} is optional, and the commit lacks it: left out")
        if any(place != ("", entry.path) for entry, place in stands.items()):
            services[service] = tuple(place for place in stands.values() if place is not None)
    seen = {entry.named(places) for _, files in entries.values() for entry in files}
    for name in sorted(texts.keys() - seen):
        problems.append(f"hosts.{host or 'NAME'}.env.as.{name}: no service of {app.compose} has this env_file")
    if problems:
        raise BadInput("\n".join(problems))
    return EnvFiles(services, dict(named), tuple(notes))


def _stands_for(
    places: Places, entry: Entry, texts: Mapping[str, str], ships: Collection[str] | None
) -> tuple[str, str] | None:
    """Return what stands for an env file: the name of a text, or else a path. None where nothing does."""
    if _ships(places, entry.path, ships):
        return "", entry.path
    if entry.named(places) in texts:
        return texts[entry.named(places)], ""
    is_whole = entry.path in (str(folder / WHOLE) for folder in (places.project, places.folder))
    return ("", compose.STANDARD_INPUT) if is_whole else None


def _entries(places: Places, env: Mapping[str, str]) -> dict[str, tuple[bool, tuple[Entry, ...]]]:
    """Return the env files of each service that has any, and whether a release runs it."""
    file = places.folder / places.app.compose
    if not file.is_file() or not any(word in file.read_text(errors="replace") for word in _MAY_NAME_ONE):
        return {}
    compose.refuse_foreign_reads(places.exported, places.app, env)
    words = ["-p", "files", "--project-directory", str(places.project), "-f", str(file), "config", "--no-interpolate"]
    _, document = compose.printed_by(
        lambda form: compose.run(places.folder, *words, "--format", form, more=places.variables({}))
    )
    return dict(_listed(document, places.app))  # where there is none, resolving the document tells what is wrong


def _listed(document: Json, app: App) -> Iterator[tuple[str, tuple[bool, tuple[Entry, ...]]]]:
    services = Section.of(document, "").section("services")
    for name in services.raw:
        service = services.section(name)
        files = service.each("env_file", Entry.decode)
        if files:
            yield name, (not service.has("profiles") and name not in app.left_out, files)


def _ships(places: Places, path: str, ships: Collection[str] | None) -> bool:
    """Return whether Compose reads a file as it is: it is of the commit, or Compose itself must say what is wrong."""
    if "$" in path or not Path(path).is_relative_to(places.exported):
        return True
    return os.path.lexists(path) if ships is None else os.path.relpath(path, places.exported) in ships


def _problem(places: Places, service: str, entry: Entry, host: str) -> str:
    name = entry.named(places)
    return (
        f"{places.app.compose}: service {service}: env_file: git does not track {name}, so no release carries it. Say "
        "which file of this machine stands for it, in invoke.yaml: "
        f"hosts.{host or 'NAME'}.env.as: {{{name}: FILE}}; or make it optional (required: false)"
    )
