"""Services that run PostgreSQL."""

from __future__ import annotations

from switchyard.core.compose_document import Document
from switchyard.predeploy.database.postgres_services import postgres_services


def test_a_service_is_a_database_by_its_image() -> None:
    images = (
        "postgres",
        "postgres:17-bookworm",
        "registry:5000/bitnami/postgresql:16@sha256:00",
        "pgvector/pgvector:pg18",
    )
    others = ("prom/postgres-exporter", "postgrest/postgrest:12", "edoburu/pgbouncer", "redis:8")
    document = {"services": {image: {"image": image} for image in (*images, *others)}}
    assert list(postgres_services(Document.decode(document))) == list(images)
