"""Which kind each service of a Compose document is, and why."""

from __future__ import annotations

from switchyard.core.app import App
from switchyard.core.compose_document import Document, Service
from switchyard.core.images import STATEFUL
from switchyard.core.kinds import HANDOVER, ONESHOT, PLAIN, ROUTED, SHARED, ServiceKind


def infer(document: Document, app: App) -> tuple[dict[str, ServiceKind], list[str]]:
    """Return the kind of each service that a release runs, and a problem for each whose kind only its owner knows."""
    services = document.enabled
    completed = {
        needed
        for service in services.values()
        for needed, dependency in service.depends_on.items()
        if dependency.condition == "service_completed_successfully"
    }
    routed = {entry.service for entry in app.routes or ()}
    kinds: dict[str, ServiceKind] = {}
    problems = [
        f"app.kinds.{name}: the compose file has no service of this name" for name in app.kinds.keys() - services
    ]
    for name, service in services.items():
        kind = _kind(service, app, completed, routed)
        if kind is None:
            problems.append(
                f"service {name}: the compose file does not say whether two of it may run at once. Add to "
                f"invoke.yaml:\n  app:\n    kinds:\n      {name}: {_choices(service)}"
            )
        else:
            kinds[name] = kind
    return kinds, problems


def _kind(service: Service, app: App, completed: set[str], routed: set[str]) -> ServiceKind | None:
    if service.name in app.kinds:
        return ServiceKind(app.kinds[service.name], "the settings say so")
    if service.name in routed:
        return ServiceKind(ROUTED.name, "a route of the settings leads to it")
    if service.name in completed:
        return ServiceKind(ONESHOT.name, "another service waits for it to complete successfully")
    if service.build is None and service.image_name in STATEFUL:
        return ServiceKind(SHARED.name, f"its image {service.image_name} keeps state")
    if service.ports and not _may_keep_state(service):
        return ServiceKind(ROUTED.name, "it publishes a port")
    return None


def _may_keep_state(service: Service) -> bool:
    """Return whether it is an unknown image with a volume of its own: two servers on one volume destroy its data."""
    return service.build is None and any(
        mount.type == "volume" and mount.source and not mount.read_only for mount in service.mounts
    )


def _choices(service: Service) -> str:
    if service.ports:
        return f"{SHARED.name}   # it keeps state: no deploy restarts it; or {ROUTED.name}: both colours"
    return f"{HANDOVER.name}   # at most one runs; or {PLAIN.name}: both colours"
