"""The kinds of services: what each means, and how a service of a Compose document gets its kind.

``KINDS`` is the only list of kinds. Whoever treats services differently asks for a trait, never for a name.
"""

from __future__ import annotations

from dataclasses import dataclass

from switchyard.core.app import App
from switchyard.core.compose_document import Document, Service
from switchyard.core.images import STATEFUL


@dataclass(frozen=True)
class Kind:
    """A kind of service. A kind without any trait runs in both colours side by side, away from the edge."""

    name: str
    behind_edge: bool = False
    """The edge holds its public addresses and leads requests to it."""
    at_most_one: bool = False
    """It runs in at most one colour at any instant: it is handed over after the switch."""
    own_project: bool = False
    """It belongs to the shared project, which no deploy restarts."""
    runs_once: bool = False
    """It runs to its end before the other services of its release start."""

    @property
    def side_by_side(self) -> bool:
        """Whether both colours run it at once."""
        return not (self.at_most_one or self.own_project or self.runs_once)

    @property
    def stays_up_in_colour(self) -> bool:
        """Whether a colour that is live runs it."""
        return self.side_by_side or self.at_most_one

    @property
    def may_publish(self) -> bool:
        """Whether it may publish ports: nothing of the other colour would hold them too."""
        return self.behind_edge or self.own_project


ROUTED = Kind("routed", behind_edge=True)
PLAIN = Kind("plain")
HANDOVER = Kind("handover", at_most_one=True)
SHARED = Kind("shared", own_project=True)
ONESHOT = Kind("oneshot", runs_once=True)
KINDS = (ROUTED, PLAIN, HANDOVER, SHARED, ONESHOT)
"""Every kind. A release's services start in this order within one group."""
NAMES = tuple(kind.name for kind in KINDS)
_BY_NAME = {kind.name: kind for kind in KINDS}


def kind_named(name: str | None) -> Kind | None:
    """Return the kind of this name, which may be a container's label; None where there is none."""
    return _BY_NAME.get(name or "")


@dataclass(frozen=True)
class ServiceKind:
    """A service's kind, with the reason in one sentence."""

    kind: str
    reason: str

    @property
    def traits(self) -> Kind:
        return _BY_NAME[self.kind]


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
