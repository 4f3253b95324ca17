"""Container images: the parts of their names, and the one list of what tells a server of state."""

from __future__ import annotations

import re
from typing import NamedTuple

POSTGRES = ("postgres", "postgresql", "postgis", "timescaledb", "pgvector")
"""PostgreSQL servers, by the last part of the image's name, as every tuple here."""
POSTGRES_BY_DISTRIBUTION = tuple(name for name in POSTGRES if name != "postgresql")
"""PostgreSQL servers whose tags name the distribution. ``bitnami/postgresql`` numbers its releases in its own way."""
POSTGRES_DATABASES = (*POSTGRES, "timescaledb-ha")
"""PostgreSQL servers that the database's checks read."""
REDIS = ("redis", "valkey", "redis-stack-server")
"""Servers that speak the protocol of Redis."""
SERVERS_OF_STATE = (
    *POSTGRES,
    *REDIS,
    "activemq",
    "arangodb",
    "artemis",
    "cassandra",
    "chroma",
    "chromadb",
    "clickhouse",
    "cockroach",
    "consul",
    "couchbase",
    "couchdb",
    "dgraph",
    "dragonfly",
    "eclipse-mosquitto",
    "edgedb",
    "elasticsearch",
    "emqx",
    "etcd",
    "eventstore",
    "ferretdb",
    "firebird",
    "influxdb",
    "kafka",
    "keydb",
    "mariadb",
    "meilisearch",
    "memcached",
    "milvus",
    "minio",
    "mongo",
    "mosquitto",
    "mssql",
    "mysql",
    "nats",
    "neo4j",
    "opensearch",
    "oracle",
    "orientdb",
    "percona",
    "pulsar",
    "qdrant",
    "questdb",
    "rabbitmq",
    "ravendb",
    "redpanda",
    "rethinkdb",
    "scylla",
    "solr",
    "sql-edge",
    "surrealdb",
    "tarantool",
    "timescale",
    "typesense",
    "vernemq",
    "victoria-metrics",
    "weaviate",
    "yugabyte",
    "zookeeper",
)
"""Servers that keep state. One is recognised where a word of an image's name begins with one of these."""
RUN_ONCE = (
    "bookstack",
    "calibre-web",
    "directus",
    "discourse",
    "drone",
    "forgejo",
    "ghost",
    "gitea",
    "gitlab-ce",
    "gitlab-ee",
    "gogs",
    "home-assistant",
    "jellyfin",
    "jenkins",
    "mattermost-team-edition",
    "n8n",
    "nexus3",
    "node-red",
    "paperless-ngx",
    "photoprism",
    "portainer",
    "portainer-ce",
    "sonarqube",
    "syncthing",
    "teamcity-server",
    "uptime-kuma",
    "vaultwarden",
    "wiki",
)
"""Servers that users reach and of which at most one may run: by the whole last part of the image's name."""
NO_SERVERS = (
    "admin",
    "agent",
    "api",
    "backup",
    "benchmark",
    "board",
    "bot",
    "box",
    "browser",
    "cli",
    "client",
    "commander",
    "connect",
    "console",
    "consumer",
    "dashboard",
    "dashboards",
    "dump",
    "exporter",
    "express",
    "gui",
    "init",
    "insight",
    "job",
    "keeper",
    "lag",
    "manager",
    "meta",
    "migrate",
    "migrations",
    "migrator",
    "operator",
    "producer",
    "proxy",
    "publisher",
    "replicator",
    "rest",
    "restore",
    "router",
    "sentinel",
    "setup",
    "sink",
    "subscriber",
    "sync",
    "test",
    "toolkit",
    "tools",
    "ui",
    "viewer",
    "web",
    "worker",
)
"""Words that tell a server's clients and tools from the server: ``redis-exporter``, ``kafka-ui``, ``redisinsight``."""
DATA_PATHS = (
    "/bitnami",
    "/cockroach/cockroach-data",
    "/consul/data",
    "/data/db",
    "/etcd-data",
    "/loki",
    "/meili_data",
    "/mosquitto/data",
    "/opt/couchbase/var",
    "/opt/couchdb/data",
    "/opt/oracle/oradata",
    "/prometheus",
    "/qdrant/storage",
    "/usr/share/elasticsearch/data",
    "/usr/share/opensearch/data",
    "/var/lib/arangodb3",
    "/var/lib/cassandra",
    "/var/lib/clickhouse",
    "/var/lib/couchbase",
    "/var/lib/elasticsearch",
    "/var/lib/etcd",
    "/var/lib/influxdb",
    "/var/lib/influxdb2",
    "/var/lib/kafka",
    "/var/lib/mariadb",
    "/var/lib/milvus",
    "/var/lib/mongodb",
    "/var/lib/mysql",
    "/var/lib/neo4j",
    "/var/lib/opensearch",
    "/var/lib/postgresql",
    "/var/lib/rabbitmq",
    "/var/lib/redis",
    "/var/lib/scylla",
    "/var/lib/valkey",
    "/var/lib/weaviate",
    "/var/lib/zookeeper",
    "/var/opt/mssql",
    "/var/solr",
)
"""Where servers keep their data in a container: each path, and what is below it."""
_SERVER = re.compile(rf"(?:^|[-_.]){'(?:' + '|'.join(map(re.escape, SERVERS_OF_STATE)) + ')'}")
_NO_SERVER = re.compile(rf"(?:^|[-_.])(?:{'|'.join(NO_SERVERS)})(?:$|[-_.\d])|insight|exporter|etcdkeeper|^postgrest")


def keeps_state(reference: str) -> bool:
    """Return whether an image is a server of state by its name."""
    path = reference.partition("@")[0].lower()
    name = ImageReference.parse(path).name
    if name == "server":  # mcr.microsoft.com/mssql/server
        name = path.rpartition("/")[0].rpartition("/")[2]
    return bool(_SERVER.search(name)) and not _NO_SERVER.search(name)


def runs_once(reference: str) -> bool:
    """Return whether an image is a server that users reach and that may not run twice, by its name."""
    return ImageReference.parse(reference.partition("@")[0].lower()).name in RUN_ONCE


def is_data_path(target: str) -> bool:
    """Return whether a server keeps its data at a container's path."""
    return any(target == path or target.startswith(f"{path}/") for path in DATA_PATHS)


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
