"""The images that the builds of a commit start or take files from: one of them may be another build of the release."""

from __future__ import annotations

from pathlib import Path

from switchyard.core.compose_document import Build, Document
from switchyard.core.dockerfile import bases


def bases_of(document: Document, folder: Path) -> dict[str, tuple[str, ...]]:
    """Return these images for each service whose Dockerfile is below ``folder``, that of the compose file."""
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
    return path.read_text(errors="replace") if path.is_file() else None
