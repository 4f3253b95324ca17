"""Container images: the parts of their names, and the one list of images whose services keep state."""

from __future__ import annotations

from typing import NamedTuple

POSTGRES = ("postgres", "postgresql", "postgis", "timescaledb", "pgvector")
"""PostgreSQL servers, by the last part of the image's name, as every tuple here."""
POSTGRES_BY_DISTRIBUTION = tuple(name for name in POSTGRES if name != "postgresql")
"""PostgreSQL servers whose tags name the distribution. ``bitnami/postgresql`` numbers its releases in its own way."""
POSTGRES_DATABASES = (*POSTGRES, "timescaledb-ha")
"""PostgreSQL servers that the database's checks read. No kind is inferred from ``timescaledb-ha``."""
REDIS = ("redis", "valkey", "redis-stack-server")
"""Servers that speak the protocol of Redis."""
STATEFUL = (
    *POSTGRES,
    *REDIS,
    "cassandra",
    "clickhouse-server",
    "couchdb",
    "eclipse-mosquitto",
    "elasticsearch",
    "etcd",
    "influxdb",
    "kafka",
    "mariadb",
    "memcached",
    "minio",
    "mongo",
    "mongodb",
    "mosquitto",
    "mysql",
    "nats",
    "neo4j",
    "opensearch",
    "percona",
    "rabbitmq",
    "zookeeper",
)
"""Images whose services are shared unless the settings say otherwise."""


class ImageReference(NamedTuple):
    """An image as a document names it."""

    name: str
    """The last part of the repository's path: ``postgres`` of ``registry.example:5000/library/postgres:17``."""
    tag: str
    """Empty where the reference has none."""
    digest: str
    """Empty where the reference has none."""

    @classmethod
    def parse(cls, reference: str) -> ImageReference:
        repository, _, digest = reference.partition("@")
        name, _, tag = repository.rpartition("/")[2].partition(":")
        return cls(name, tag, digest)
