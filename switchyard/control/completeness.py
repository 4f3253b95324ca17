"""What a release needs and its commit lacks. Each problem says what to do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from switchyard.control.commit_files import submodules
from switchyard.control.compose_reads import leads_out
from switchyard.control.document_sources import mount_problems
from switchyard.control.lfs import is_pointer
from switchyard.core.app import App
from switchyard.core.compose_document import Build, Document
from switchyard.core.dockerfile import copied
from switchyard.core.regular_file import read_regular


def problems(repository: Path, commit: str, document: Document, exported: Path, app: App) -> list[str]:
    """Return what is missing from a clean export of the commit: submodules, inputs of builds, files behind pointers."""
    folder = exported / app.project_folder
    contexts = _local_contexts(document, folder, app)
    sources = [folder / source for source in document.mounted if not source.startswith(("/", "~"))]
    mounts = [source for source in sources if not leads_out(source, exported)]
    complete = [place for name, (build, place) in contexts.items() if not _missing_dockerfile(name, build, place)]
    return [
        *_submodules(repository, commit),
        *(problem for name, (build, place) in contexts.items() for problem in _build(name, build, place)),
        *mount_problems(document, exported, app),
        *_pointers([*mounts, *complete], exported),
    ]


def _submodules(repository: Path, commit: str) -> Iterator[str]:
    for path in submodules(repository, commit):
        yield (
            f"{path} is a submodule, and a commit has only its name: vendor its files, or build an image that holds "
            "them"
        )


def _local_contexts(document: Document, folder: Path, app: App) -> dict[str, tuple[Build, Path]]:
    """Return each service's build whose context is in the repository, with that folder."""
    return {
        name: (service.build, folder / service.build.context)
        for name, service in document.services.items()
        if service.build is not None
        and name not in app.left_out
        and "://" not in service.build.context
        and not service.build.context.startswith("/")
    }


def _build(service: str, build: Build, place: Path) -> Iterator[str]:
    """Yield what the build of a service needs and the export lacks."""
    missing = _missing_dockerfile(service, build, place)
    if missing:
        yield missing
        return
    text = build.dockerfile_inline
    if text is None:
        text = read_regular(str(place / build.dockerfile), os).decode(errors="replace")
    for copy in copied(text, build.target):
        if not os.path.lexists(place / copy.path):
            yield (
                f"service {service}: {build.dockerfile}:{copy.line} copies {copy.source}, which is not in the commit: "
                "commit it, let the build create it, or name an image that holds it"
            )


def _missing_dockerfile(service: str, build: Build, place: Path) -> str | None:
    if not place.is_dir():
        return f"service {service}: build.context {build.context} is not in the commit: check whether git ignores it"
    if build.dockerfile_inline is None and not (place / build.dockerfile).exists():
        return (
            f"service {service}: build.dockerfile {build.dockerfile} is not in the commit: check whether git ignores it"
        )
    return None


def _pointers(places: Iterable[Path], exported: Path) -> Iterator[str]:
    """Yield the Git LFS pointers among the files that builds and mounts use: their objects were not in the clone."""
    pointers = {path for place in places for path in _files(place) if is_pointer(path)}
    for path in sorted(pointers):
        yield (
            f"{path.relative_to(exported.resolve())} is a Git LFS pointer, and this clone has no object for it, or a "
            "damaged one: a release would ship the pointer. Run git lfs fetch (in CI: check out with lfs: true)"
        )


def _files(place: Path) -> list[Path]:
    paths = place.rglob("*") if place.is_dir() else [place]
    return [path.resolve() for path in paths if path.is_file() and not path.is_symlink()]
