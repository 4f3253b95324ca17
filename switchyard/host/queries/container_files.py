"""``held``: what files of containers hold. Predeploy connects to databases with it."""

from __future__ import annotations

from switchyard.core.wire.answers import ContainerFiles, FileText
from switchyard.core.wire.request import Request
from switchyard.host.adapters import engine
from switchyard.host.adapters.store import Store
from switchyard.host.queries.running import running_container


def container_files(store: Store, request: Request) -> ContainerFiles:
    """Return the text of each file, or why it is not known."""
    return ContainerFiles(
        {service: _texts(store, request.app, service, paths) for service, paths in request.container_files.items()}
    )


def _texts(store: Store, app: str, service: str, paths: tuple[str, ...]) -> dict[str, FileText]:
    container = running_container(store, app, service)
    if container is None:
        return {path: FileText(why="it does not run") for path in paths}
    return {path: _text(container.id, path) for path in paths}


def _text(container: str, path: str) -> FileText:
    code, output = engine.execute(container, ["cat", path])
    return FileText(why=output) if code else FileText(text=output)
