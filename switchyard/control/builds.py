"""What is known of a release's images before they are built: from Dockerfiles of the commit, and from the host."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from switchyard.core.app import App
from switchyard.core.compose_document import Build, Document
from switchyard.core.dockerfile import bases, copied, recipe
from switchyard.core.kind_inference import infer
from switchyard.core.regular_file import read_regular
from switchyard.core.state_keeping import ImageFacts


def image_facts(document: Document, exported: Path, app: App) -> ImageFacts:
    """Return what an export of the commit tells of its images."""
    folder = exported / app.project_folder
    recipes = {
        name: recipe(text, service.build.target, service.build.args, service.build.additional_contexts)
        for name, service in document.enabled.items()
        if service.build is not None and (text := dockerfile_of(service.build, folder)) is not None
    }
    kinds, _ = infer(document, app, ImageFacts(recipes))
    inputs = {
        name: _digest(folder, service.build)
        for name, service in document.enabled.items()
        if service.build is not None and name in kinds and kinds[name].traits.own_project
    }
    return ImageFacts(recipes, bases=bases_of(document, folder), inputs=inputs)


def bases_of(document: Document, folder: Path) -> dict[str, tuple[str, ...]]:
    """Return what each build starts or takes files from, where its Dockerfile is below the compose file's folder."""
    builds = {name: service.build for name, service in document.services.items() if service.build is not None}
    texts = {name: dockerfile_of(build, folder) for name, build in builds.items()}
    return {name: tuple(bases(text, builds[name].target, builds[name].args)) for name, text in texts.items() if text}


def dockerfile_of(build: Build, folder: Path) -> str | None:
    """Return the text of a build's Dockerfile; None where it is not below the folder."""
    if build.dockerfile_inline is not None:
        return build.dockerfile_inline
    if build.context.startswith("/") or "://" in build.context:
        return None
    path = folder / build.context / build.dockerfile
    return read_regular(str(path), os).decode(errors="replace") if path.is_file() else None


def _digest(folder: Path, build: Build) -> str:
    """Return a digest of what a build reads.

    Of a context that holds the compose file too, that is the Dockerfile with what it copies by name: all the rest of
    it changes with every commit.
    """
    text, place = dockerfile_of(build, folder), folder / build.context
    places = [place]
    if folder.resolve().is_relative_to(place.resolve()):
        places = [place / copy.path for copy in copied(text or "", build.target) if copy.path != "."]
    digest = hashlib.sha256(json.dumps([text, build.raw], sort_keys=True).encode())
    for path in sorted({file for each in places for file in _files(each)}):
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        is_program = not path.is_symlink() and os.access(path, os.X_OK)
        digest.update(f"{os.path.relpath(path, folder)} {is_program}\0".encode())
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def _files(place: Path) -> Iterator[Path]:
    paths = place.rglob("*") if place.is_dir() else [place]
    return (path for path in paths if path.is_symlink() or path.is_file())
