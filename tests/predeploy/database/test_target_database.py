"""Which database the checks read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from switchyard.core.compose_document import Document
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.target_database import machines
from switchyard.predeploy.engine.subject import Subject
from tests.harness.check_runs import of_two_machines
from tests.harness.database_application import Shop, places_of
from tests.harness.machine_answers import COMMIT, checks_answer, host_machine


def test_what_is_configured_and_cannot_be_reached_is_unknown(newest: Server, shop: Shop) -> None:
    shop.write(migrations__1_sql="CREATE TABLE t (id int PRIMARY KEY)")
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    secret = "s3cr3t!"
    for address in (
        f"postgresql://app:{secret}@127.0.0.1:1/x",
        f"postgres//app:{secret}@127.0.0.1:1/x",
        f"host={newest.folder} user=nobody_here password={secret} dbname=x",
    ):
        result = shop.predeploy(address=address)
        assert (result["schema"]["outcome"], result["exit"]) == ("unknown", 3)
        assert "embedded" not in result["schema"]["reason"]
        assert secret not in result["printed"]
        assert secret not in str(result)


def test_without_an_address_the_migrations_are_checked_in_an_embedded_server(shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    shop.write(
        migrations__2__skip="",
        migrations__10_sql="CREATE INDEX CONCURRENTLY i ON t (a);\nINSERT INTO t VALUES (1, 1)",
        migrations__9_sql="CREATE TABLE t (id int, a int)",
    )
    result = shop.predeploy()
    assert places_of(result["schema"], "primary-key") == ["public.t"]
    assert "embedded, built from 2 migrations, without rows" in result["schema"]["reason"]
    assert result["schema"]["facts"]["source"] == "embedded"
    assert result["server"]["outcome"] == "skipped"
    shop.write(migrations__11_sql="SELECT 1;\n\nALTER TABLE gone ADD x int")
    result = shop.predeploy()
    assert result["schema"]["outcome"] == "unknown"
    assert "migrations/11.sql:3:" in result["schema"]["reason"]


def test_a_database_that_nothing_builds_yet_is_not_asked_for(shop: Shop) -> None:
    (shop.app / "invoke.yaml").write_text('{"app": {"name": "shop"}}')
    result = shop.predeploy()
    assert {result[name]["outcome"] for name in ("schema", "orphans", "drift")} == {"skipped"}
    assert "set app.predeploy.database" in result["schema"]["reason"]
    assert result["exit"] == 3, "nothing was looked at"


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("", 2),
        ("postgresql://shop@db/shop", 2),
        ("postgresql://shop@127.0.0.1:5432/shop", 2),
        ("postgresql://shop@172.18.0.1/shop", 2),
        ("postgresql://shop@172.31.255.1/shop", 2),
        ("postgresql://shop@172.32.0.1/shop", 1),
        ("postgresql://shop@db.example.com/shop", 1),
        ("postgresql+psycopg://shop@10.0.0.7/shop", 1),
    ],
)
def test_a_database_that_all_machines_share_is_read_once(subject: Subject, url: str, number: int) -> None:
    several = of_two_machines(replace(subject, env={"DATABASE_URL": url}))
    several.resolve = lambda: (Document.decode({"services": {"db": {"image": "postgres:17"}}}), "")
    assert len(machines(several)) == 1, "none of them has one yet"
    several.machines = (host_machine("prod1", checks_answer(COMMIT)), several.machines[1])
    assert [each.machine for each in machines(several)] == ["prod1", "prod2"][:number]
