"""What a split works from: the resolved document, the application's settings and what the commit tracks."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from switchyard.core.app import App
from switchyard.core.compose_document import Document, Service
from switchyard.core.kinds import Kind, ServiceKind
from switchyard.core.state_keeping import NO_FACTS, ImageFacts


@dataclass(frozen=True)
class Inputs:
    """One release of one application, on a host with this root."""

    document: Document
    kinds: dict[str, ServiceKind]
    app: App
    release: str
    root: str
    """The application's folder on the host."""
    tracked: frozenset[str]
    """The paths that the commit has, relative to the repository."""
    folder: str
    """The folder of the compose file, relative to the repository."""
    facts: ImageFacts = NO_FACTS

    @property
    def services(self) -> dict[str, Service]:
        """The services that the release runs."""
        left_out = self.app.left_out
        return {name: service for name, service in self.document.enabled.items() if name not in left_out}

    @property
    def files(self) -> str:
        """The release's files on the host."""
        return f"{self.root}/releases/{self.release}/files"

    def kind(self, service: Service) -> Kind:
        return self.kinds[service.name].traits

    def replicas(self, service: Service) -> int:
        """Return how many containers a service asks for."""
        scale = self.app.scale.get(service.name, service.scale)
        return service.replicas if scale is None else scale

    def in_colours(self) -> dict[str, Service]:
        """Return the services that both colours have."""
        return {name: service for name, service in self.services.items() if not self.kind(service).own_project}

    def shared(self) -> dict[str, Service]:
        """Return the services of the shared project."""
        return {name: service for name, service in self.services.items() if self.kind(service).own_project}

    def in_order_of_need(self) -> list[Service]:
        """Return the services, those that others depend on first."""
        order: list[Service] = []

        def visit(name: str, dependents: tuple[str, ...]) -> None:
            service = self.services.get(name)
            if service is None or service in order or name in dependents:
                return
            for needed in service.depends_on:
                visit(needed, (*dependents, name))
            order.append(service)

        for name in self.services:
            visit(name, ())
        return order


def is_relative_path(context: str) -> bool:
    """Return whether a build's context is a path below the compose file's folder, and no address or absolute path."""
    return not context.startswith(("/", "git@")) and ":" not in context


def is_outside(path: str) -> bool:
    """Return whether a path that is relative to the repository leads out of it."""
    return posixpath.normpath(path).split("/")[0] == ".."
