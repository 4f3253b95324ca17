"""What each service of a compose document is, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchyard.core.app import App

STATEFUL = (
    "postgres",
    "postgresql",
    "percona",
    "couchdb",
    "cassandra",
    "influxdb",
    "neo4j",
    "kafka",
    "zookeeper",
    "etcd",
    "mosquitto",
    "eclipse-mosquitto",
    "redis-stack-server",
    "mongodb",
    "postgis",
    "timescaledb",
    "pgvector",
    "mysql",
    "mariadb",
    "redis",
    "valkey",
    "mongo",
    "rabbitmq",
    "memcached",
    "minio",
    "elasticsearch",
    "opensearch",
    "clickhouse-server",
    "nats",
)
"""Images, by the last part of their name, whose services are shared unless the settings say otherwise."""


@dataclass(frozen=True)
class Kind:
    """A service's kind, with the reason in one sentence."""

    kind: str
    reason: str


def kinds(document: Mapping[str, Any], app: App) -> tuple[dict[str, Kind], list[str]]:
    """Each service's kind, and the problems: services whose kind only their owner can know."""
    services = document.get("services") or {}
    completed = {
        needed
        for service in services.values()
        for needed, how in (service.get("depends_on") or {}).items()
        if how.get("condition") == "service_completed_successfully"
    }
    named = {str(route["service"]) for route in app.routes or ()}
    found: dict[str, Kind] = {}
    problems = [
        f"app.kinds.{name}: the compose file has no service of this name" for name in app.kinds.keys() - services
    ]
    for name, service in services.items():
        kind = _kind(name, service, app, completed, named)
        if kind is None:
            problems.append(
                f"service {name}: whether two of it may run at once cannot be told from the compose file. Add to "
                f"invoke.yaml:\n  app:\n    kinds:\n      {name}: {_choices(service)}"
            )
        else:
            found[name] = kind
    return found, problems


def _choices(service: Mapping[str, Any]) -> str:
    if service.get("ports"):
        return "shared   # it keeps state: no deploy restarts it; or routed: both colours"
    return "handover   # at most one runs; or plain: both colours"


def _may_be_a_server_of_state(service: Mapping[str, Any]) -> bool:
    """Whether it is an unknown image with a volume of its own: two servers on one volume destroy what it holds."""
    mounts = service.get("volumes") or ()
    return "build" not in service and any(
        mount.get("type") == "volume" and mount.get("source") and not mount.get("read_only") for mount in mounts
    )


def _kind(name: str, service: Mapping[str, Any], app: App, completed: set[str], named: set[str]) -> Kind | None:
    if name in app.kinds:
        return Kind(app.kinds[name], "the settings say so")
    if name in named:
        return Kind("routed", "a route of the settings leads to it")
    image = str(service.get("image", "")).split("@")[0].rsplit("/", 1)[-1].split(":")[0]
    if name in completed:
        return Kind("oneshot", "another service waits for it to complete successfully")
    if "build" not in service and image in STATEFUL:
        return Kind("shared", f"its image {image} keeps state")
    if service.get("ports") and not _may_be_a_server_of_state(service):
        return Kind("routed", "it publishes a port")
    return None
