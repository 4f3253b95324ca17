"""Migrations applied to a reference server."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop
from tests.harness.postgres import fresh, url
from tests.harness.teams import (
    FIRST,
    LEDGER,
    SECOND,
    record,
)


def test_roles_that_migrations_name_are_there_where_they_are_built(newest: Server, migrated: Shop) -> None:
    names = ("readonly", "writer", "keeper", "teller")
    made = "DO $$ BEGIN CREATE ROLE {}; EXCEPTION WHEN duplicate_object THEN END $$"
    given = """GRANT SELECT ON games TO readonly; ALTER TABLE games OWNER TO writer; GRANT keeper TO writer;
    ALTER DEFAULT PRIVILEGES FOR ROLE writer GRANT SELECT ON TABLES TO readonly;
    CREATE POLICY mine ON games TO teller USING (true);"""
    third = f"DROP ROLE IF EXISTS teller; CREATE ROLE teller; {given}"
    migrated.write(migrations__0003_c_sql=third, migrations__0004_d_sql="CREATE USER later; GRANT pg_monitor TO later;")
    migrated.write(sql__queries__games_sql="SELECT id FROM games")
    ledger = record(**{"0001_a": FIRST, "0002_b": SECOND, "0003_c": third})
    name = fresh(newest, *[made.format(role) for role in names], FIRST, SECOND, given, LEDGER, ledger)
    result = migrated.predeploy(address=url(newest, name))
    outcomes = {check: result[check]["outcome"] for check in ("drift", "old-queries", "migrations")}
    assert outcomes == {"drift": "pass", "old-queries": "pass", "migrations": "pass"}, result["printed"]
    assert migrated.predeploy("--only", "sequences")["sequences"]["outcome"] == "pass"
