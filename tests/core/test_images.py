"""The parts of an image's name, and the list of images that keep state."""

from __future__ import annotations

import pytest

from switchyard.core.images import (
    DATA_PATHS,
    NO_SERVERS,
    POSTGRES,
    POSTGRES_BY_DISTRIBUTION,
    POSTGRES_DATABASES,
    REDIS,
    SERVERS_OF_STATE,
    ImageReference,
    is_data_path,
    keeps_state,
)


@pytest.mark.parametrize(
    "reference,parts",
    [
        ("postgres", ("postgres", "", "")),
        ("postgres:17", ("postgres", "17", "")),
        ("registry.example:5000/library/postgres", ("postgres", "", "")),
        ("registry.example:5000/library/postgres:17-alpine@sha256:0", ("postgres", "17-alpine", "sha256:0")),
        ("postgres@sha256:0", ("postgres", "", "sha256:0")),
        ("", ("", "", "")),
    ],
)
def test_a_reference_has_a_name_a_tag_and_a_digest(reference, parts):
    assert ImageReference.parse(reference) == parts


def test_every_smaller_list_is_of_servers_that_keep_state():
    assert all(
        keeps_state(name) for name in {*POSTGRES_DATABASES, *REDIS, *POSTGRES_BY_DISTRIBUTION, *SERVERS_OF_STATE}
    )
    assert set(POSTGRES_DATABASES) - set(POSTGRES) == {"timescaledb-ha"}
    assert set(POSTGRES) - set(POSTGRES_BY_DISTRIBUTION) == {"postgresql"}
    assert len(set(SERVERS_OF_STATE)) == len(SERVERS_OF_STATE)
    assert not any(keeps_state(f"{server}-{word}") for server in ("redis", "kafka") for word in NO_SERVERS)


@pytest.mark.parametrize(
    "image",
    [
        "postgres",
        "postgres:17@sha256:0",
        "redislabs/redismod",
        "redis/redis-stack:latest",
        "mcr.microsoft.com/azure-sql-edge:1.0",
        "mcr.microsoft.com/mssql/server:2022-latest",
        "timescale/timescaledb-ha:pg17",
        "registry.example:5000/mirror/Bitnami/PostgreSQL-repmgr:17",
        "ghcr.io/acme/our_postgres:1",
        "confluentinc/cp-kafka:7",
        "docker.elastic.co/elasticsearch/elasticsearch:8.1",
        "gvenzl/oracle-free",
        "clickhouse/clickhouse-server",
        "apache/kafka-native",
        "cockroachdb/cockroach",
    ],
)
def test_a_server_of_state_is_recognised_by_a_part_of_its_image_s_name(image):
    assert keeps_state(image)


@pytest.mark.parametrize(
    "image",
    [
        "",
        "python:3.13",
        "nginx",
        "postgrest/postgrest",
        "prometheuscommunity/postgres-exporter",
        "oliver006/redis_exporter",
        "redis/redisinsight:2",
        "rediscommander/redis-commander",
        "mongo-express",
        "provectuslabs/kafka-ui",
        "dpage/pgadmin4",
        "acme/redis-worker:1",
        "acme/kafka_consumer",
        "natsio/nats-box",
        "evildecay/etcdkeeper",
        "supabase/postgres-meta",
        "postgres.example/web",
        "redis.example:5000/shop",
        "acme/senators",
    ],
)
def test_a_client_or_a_tool_of_a_server_is_no_server(image):
    assert not keeps_state(image)


@pytest.mark.parametrize("path", DATA_PATHS)
def test_where_a_server_keeps_its_data_is_known_with_what_is_below(path):
    assert is_data_path(path) and is_data_path(f"{path}/data")
    assert not is_data_path(f"{path}x") and not is_data_path("/srv/uploads")
