"""Migrations beside the ledger."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import fresh, url
from tests.harness.teams import (
    APPLIED,
    FIRST,
    SECOND,
    record,
)


def test_an_edited_a_lost_a_late_and_a_doubled_migration_are_reported(newest: Server, migrated: Shop) -> None:
    migrated.write(
        migrations__0002_b_sql=SECOND + "-- edited",
        migrations__0005_e_sql="SELECT 5;",
        migrations__0005_f_sql="SELECT 6;",
        migrations__0004_d_sql="SELECT 4;",
    )
    more = record(**{"0005_e": "SELECT 5;", "0003_c": "SELECT 3;"})
    result = migrated.predeploy("--only", "migrations", address=url(newest, fresh(newest, *APPLIED, more)))[
        "migrations"
    ]
    assert result["outcome"] == "fail"
    assert places_of(result, "edited-migration") == ["migrations/0002_b.sql"]
    assert places_of(result, "out-of-order-migration") == ["migrations/0004_d.sql"]
    assert places_of(result, "duplicate-migration") == ["migrations/0005_f.sql"]
    assert [each["what"] for each in result["findings"] if each["rule"] == "gone-migration"] == [
        "0003_c.sql was applied, and there is no such file"
    ]


def test_a_file_counts_by_its_very_bytes_and_one_that_is_no_text_is_named(newest: Server, migrated: Shop) -> None:
    dos, unix = "\ufeffSELECT 'a';\r\nSELECT 'b';\r\n", "\ufeffSELECT 'a';\nSELECT 'b';\n"
    for name in ("0003_c", "0004_d", "0005_e"):
        (migrated.app / "migrations" / f"{name}.sql").write_bytes(dos.encode())
    more = record(**{"0003_c": dos, "0004_d": unix, "0005_e": "SELECT 'a';"})
    address = url(newest, fresh(newest, *APPLIED, more))
    result = migrated.predeploy("--only", "migrations,drift", address=address)
    assert places_of(result["migrations"], "edited-migration") == ["migrations/0005_e.sql"]
    assert result["drift"]["outcome"] == "pass", result["printed"]
    (migrated.app / "migrations" / "0006_f.sql").write_bytes("SELECT 1;\nSELECT 'ä';".encode("latin-1"))
    result = migrated.predeploy(address=address)
    for check in ("migrations", "drift", "migration-lint", "old-queries"):
        assert result[check]["outcome"] == "unknown"
        assert "migrations/0006_f.sql:2: not UTF-8" in result[check]["reason"]


def test_applied_migrations_that_no_checksum_keeps_are_reported_as_that(newest: Server, migrated: Shop) -> None:
    ledger = "CREATE TABLE schema_migrations (version text); INSERT INTO schema_migrations VALUES ('0001'), ('0002')"
    address = url(newest, fresh(newest, FIRST, SECOND, ledger))
    result = migrated.predeploy("--only", "migrations", address=address)["migrations"]
    assert result["outcome"] == "pass"
    assert "which has no checksum to tell whether 2 of the applied were edited" in result["reason"]
    result = migrated.predeploy("--only", "migrations", address=url(newest, fresh(newest, *APPLIED)))["migrations"]
    assert "checksum" not in result["reason"]


def test_applied_migrations_and_pending_ones_in_order_are_spared(newest: Server, migrated: Shop) -> None:
    migrated.write(migrations__0003_c_sql="CREATE TABLE pending (id int PRIMARY KEY);")
    result = migrated.predeploy("--only", "migrations", address=url(newest, fresh(newest, *APPLIED)))["migrations"]
    assert (result["outcome"], [each["severity"] for each in result["findings"]]) == ("pass", ["info"])


CASES = {
    "migrations": (
        test_an_edited_a_lost_a_late_and_a_doubled_migration_are_reported,
        test_applied_migrations_and_pending_ones_in_order_are_spared,
    ),
}
