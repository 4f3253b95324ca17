"""What a resolved document takes from the disk: builds, binds, secrets and configs, all of them inside the commit.

Binds, secrets and configs that are absolute paths are places of the host; the lint of the document judges them.
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from switchyard.control.compose_reads import leads_out
from switchyard.core.app import App
from switchyard.core.compose_document import Build, Document

_ELSEWHERE = re.compile(r"https?://|git://|ssh://|git@|github\.com/|docker-image://|service:|target:")
"""How contexts begin that are no folder of a disk. Compose has made every other one absolute."""
_CACHES = ("registry", "inline")
"""The kinds of caches that no folder of a disk and no account of the host holds."""


def build_problems(document: Document, exported: Path, app: App) -> Iterator[str]:
    """Yield what builds would read, or write, outside of an export of the commit."""
    folder = exported / app.project_folder
    for name, service in document.services.items():
        if service.build is not None and name not in app.left_out:
            for key, path in _of_build(service.build, folder, exported):
                yield (
                    f"service {name}: build.{key} {path} leads out of the commit, and a build reads only files of the "
                    "commit. Commit what it needs, or build that image yourself and name it with image:"
                )


def mount_problems(document: Document, exported: Path, app: App) -> Iterator[str]:
    """Yield the files and folders of the commit that containers mount and that lead out of it."""
    folder = exported / app.project_folder
    data = {posixpath.normpath(source) for source in app.data}
    for source in sorted(document.mounted):
        if not source.startswith(("/", "~")) and source not in data and leads_out(folder / source, exported):
            yield (
                f"{source} is mounted, and leads out of the commit. Commit the file itself, or mount what it leads to "
                "by its absolute path"
            )


def _of_build(build: Build, folder: Path, exported: Path) -> Iterator[tuple[str, str]]:
    """Yield each key of a build that leads out of the commit, with its value."""
    for key in ("cache_from", "cache_to"):
        entries = build.raw.get(key)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, str) and "=" in entry and _kind_of_cache(entry) not in _CACHES:
                yield key, entry
    contexts = {f"additional_contexts.{name}": context for name, context in build.additional_contexts.items()}
    outside = [
        (key, context)
        for key, context in {"context": build.context, **contexts}.items()
        if not _ELSEWHERE.match(context) and (not context.startswith(".") or leads_out(folder / context, exported))
    ]
    yield from outside
    if ("context", build.context) in outside or _ELSEWHERE.match(build.context) or build.dockerfile_inline is not None:
        return
    for file in (build.dockerfile, f"{build.dockerfile}.dockerignore", ".dockerignore"):
        if leads_out(folder / build.context / file, exported):
            yield "dockerfile", file
            break


def _kind_of_cache(entry: str) -> str:
    """Return the ``type`` of a cache as the builder reads it: comma-separated values, whose keys have any case."""
    pairs = (field.partition("=") for fields in csv.reader([entry]) for field in fields)
    types = [value for key, _, value in pairs if key.lower() == "type"]
    return types[-1] if types else ""
