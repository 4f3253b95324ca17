"""Versions in the names of migrations."""

from __future__ import annotations

from tests.harness.database_application import Shop, places_of
from tests.harness.teams import (
    write_migrations,
)


def test_versions_are_reported_apart_by_all_their_numbers_and_follow_each_other_by_value(shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    names = ["V1__a", "V1.1__b", "V1.2__c", "V1.10__d", "V2__2fa", "2024_01_15_e", "2024_02_20_f"]
    names += ["2025-01-15T1200_g", "2025-01-15T1300_h", "20240301_1200_i", "20240301_1300_j", "R__views"]
    for step, name in enumerate(names):
        text = "CREATE TABLE t_1 (id int);" if step == 0 else f"ALTER TABLE t_{step} RENAME TO t_{step + 1};"
        write_migrations(shop, {f"{name}.sql": text})
    result = shop.predeploy("--only", "migrations")["migrations"]
    assert (result["outcome"], result["findings"]) == ("pass", [])
    write_migrations(shop, {"V1_2__again.sql": "SELECT 1;"})
    result = shop.predeploy("--only", "migrations")["migrations"]
    assert len(places_of(result, "duplicate-migration")) == 1
