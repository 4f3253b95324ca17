"""The ledgers of the common migration tools."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, commit_all, places_of
from tests.harness.postgres import fresh, url
from tests.harness.teams import (
    APPLIED,
    FIRST,
    FLYWAY,
    SECOND,
    crc,
    sha,
    write_migrations,
)


def test_the_ledger_of_flyway_is_known(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "V*.sql"})
    (shop.app / "V9__a.sql").write_text(FIRST)
    (shop.app / "V10__b.sql").write_text(SECOND)
    summed = {name: crc(text) for name, text in (("V9__a.sql", FIRST), ("V10__b.sql", SECOND))}
    rows = f"""INSERT INTO flyway_schema_history VALUES (1, '9', 'V9__a.sql', {summed["V9__a.sql"]}, 'SQL', true),
    (2, '10', 'V10__b.sql', {summed["V10__b.sql"] + 1}, 'SQL', true), (3, '11', 'V11__c.sql', 7, 'SQL', false)"""
    result = shop.predeploy(address=url(newest, fresh(newest, FIRST, SECOND, FLYWAY, rows)))
    assert places_of(result["migrations"], "edited-migration") == ["V10__b.sql"]
    assert places_of(result["migrations"], "gone-migration") == []
    (failed,) = [each["what"] for each in result["migrations"]["findings"] if each["rule"] == "failed-migration"]
    assert failed == "V11__c.sql began and did not end"
    assert result["drift"]["outcome"] == "pass"


def test_what_flyway_took_as_given_counts_as_applied(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    write_migrations(shop, {"V1.1__a.sql": FIRST, "V1.2__b.sql": SECOND, "V1.10__c.sql": "SELECT 1;"})
    rows = """INSERT INTO flyway_schema_history VALUES (0, NULL, '"public"', NULL, 'SCHEMA', true),
    (1, '1.1', '<< Flyway Baseline >>', NULL, 'BASELINE', true), (2, '1.2', 'V1.2__b.sql', NULL, 'SQL', true)"""
    result = shop.predeploy(address=url(newest, fresh(newest, FIRST, SECOND, FLYWAY, rows)))
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("pass", "pass"), result["printed"]
    assert places_of(result["migrations"], "unapplied") == ["db/V1.10__c.sql"]


def test_a_repeatable_migration_of_flyway_that_changed_is_pending_and_never_edited(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    was, now = ("CREATE OR REPLACE VIEW v AS SELECT id FROM t;\n", "CREATE OR REPLACE VIEW v AS SELECT id, a FROM t;\n")
    first, same = "CREATE TABLE t (id int PRIMARY KEY, a int);", "CREATE OR REPLACE VIEW same AS SELECT a FROM t;"
    write_migrations(shop, {"V1__t.sql": first, "R__same.sql": same, "R__v.sql": was})
    commit_all(shop)
    write_migrations(shop, {"R__v.sql": now})
    rows = f"""INSERT INTO flyway_schema_history VALUES (1, '1', 'V1__t.sql', {crc(first)}, 'SQL', true),
    (2, NULL, 'R__v.sql', 7, 'SQL', true), (3, NULL, 'R__same.sql', {crc(same)}, 'SQL', true),
    (4, NULL, 'R__v.sql', {crc(was)}, 'SQL', true)"""
    shop.write(sql__queries__v_sql="SELECT id FROM v")
    address = url(newest, fresh(newest, first, same, was, FLYWAY, rows))
    words = ("--only", "migrations,drift,old-queries")
    result = shop.predeploy(*words, address=address)
    reported = [(each["rule"], each["place"], each["severity"]) for each in result["migrations"]["findings"]]
    assert reported == [("unapplied", "db/R__v.sql", "info")]
    assert "1 of them pending" in result["migrations"]["reason"]
    outcomes = [result[name]["outcome"] for name in ("migrations", "drift", "old-queries")]
    assert outcomes == ["pass", "pass", "pass"], result["printed"]
    assert "before and after 1 pending migration" in result["old-queries"]["reason"]

    for ledger in ({}, {"ledger": {"table": "flyway_schema_history", "name": "script", "checksum": "checksum"}}):
        shop.settings(ledger, migrations={"service": "db", "files": "db/*.sql"})
        write_migrations(shop, {"V1__t.sql": f"{first} -- edited"})
        assert places_of(shop.predeploy(*words, address=address)["migrations"], "edited-migration") == ["db/V1__t.sql"]
        write_migrations(shop, {"V1__t.sql": first})

    lost = rows.replace(str(crc(was)), "8")
    result = shop.predeploy(*words, address=url(newest, fresh(newest, first, same, was, FLYWAY, lost)))
    assert [result[name]["outcome"] for name in ("migrations", "drift")] == ["pass", "unknown"]
    assert "db/R__v.sql changed since it was applied, and no commit" in result["drift"]["reason"]

    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    table = FLYWAY.replace("flyway_schema_history", "migrations").replace("script", "name")
    renamed = rows.replace("flyway_schema_history", "migrations")
    result = shop.predeploy(*words, address=url(newest, fresh(newest, first, same, was, table, renamed)))
    assert places_of(result["migrations"], "edited-migration") == ["db/R__v.sql"], "nobody else runs it again"


def test_the_ledger_of_prisma_names_folders(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "prisma/*/migration.sql"})
    first, second = "CREATE TABLE t (id int PRIMARY KEY);", "ALTER TABLE t ADD COLUMN a int;"
    shop.write(prisma__20240101000000_z__migration_sql=first, prisma__20240102000000_a__migration_sql=second)
    table = """CREATE TABLE _prisma_migrations (id text PRIMARY KEY, checksum text NOT NULL, finished_at timestamptz,
    migration_name text NOT NULL, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now())"""
    rows = f"""INSERT INTO _prisma_migrations VALUES (1, '{sha(first)}', now(), '20240101000000_z', NULL),
    (2, 'x', NULL, '20240102000000_a', now()), (3, '{sha(second)}', now(), '20240102000000_a', NULL)"""
    result = shop.predeploy(address=url(newest, fresh(newest, first, second, table, rows)))
    assert (result["migrations"]["findings"], result["drift"]["findings"]) == ([], []), result["printed"]
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("pass", "pass")
    rows += ", (4, 'x', NULL, '20240103000000_b', NULL)"
    shop.write(prisma__20240101000000_z__migration_sql=f"{first} -- edited")
    result = shop.predeploy("--only", "migrations", address=url(newest, fresh(newest, first, second, table, rows)))
    assert places_of(result["migrations"], "edited-migration") == ["prisma/20240101000000_z/migration.sql"]
    assert places_of(result["migrations"], "failed-migration") == ["public._prisma_migrations"]


def test_the_ledger_of_golang_migrate_names_the_newest_alone(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.up.sql"})
    for name, text in (("000001_a", FIRST), ("000002_b", SECOND), ("000010_c", "CREATE TABLE c (id int);")):
        write_migrations(shop, {f"{name}.up.sql": text, f"{name}.down.sql": "DROP TABLE c;"})
    table = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)"
    for row, rules in (("2, false", []), ("2, true", ["failed-migration"]), ("9, false", ["gone-migration"])):
        name = fresh(newest, FIRST, SECOND, table, f"INSERT INTO schema_migrations VALUES ({row})")
        result = shop.predeploy("--only", "migrations,drift", address=url(newest, name))
        reported = [each["rule"] for each in result["migrations"]["findings"] if each["severity"] == "error"]
        assert reported == rules, result["printed"]
        assert places_of(result["migrations"], "unapplied") == ["db/000010_c.up.sql"]
        assert result["drift"]["outcome"] == ("unknown" if "gone-migration" in rules else "pass")


def test_a_ledger_of_numbers_means_files_by_their_first_number(newest: Server, shop: Shop) -> None:
    shop.settings({}, migrations={"service": "db", "files": "db/*.sql"})
    names = {"0001_2fa": FIRST, "0002_10_best": SECOND, "0003": "SELECT 1;", "0003.1_x": "SELECT 2;"}
    write_migrations(shop, {f"{name}.sql": text for name, text in names.items()})
    table = "CREATE TABLE schema_migrations (version text PRIMARY KEY)"
    rows = "INSERT INTO schema_migrations VALUES ('0001'), ('0002'), ('3')"
    result = shop.predeploy("--only", "migrations", address=url(newest, fresh(newest, FIRST, SECOND, table, rows)))
    assert places_of(result["migrations"], "unapplied") == ["db/0003.1_x.sql"]
    assert [each for each in result["migrations"]["findings"] if each["severity"] == "error"] == []


def test_of_two_tables_that_may_be_the_ledger_the_settings_name_one(newest: Server, migrated: Shop) -> None:
    other = "CREATE SCHEMA flows; CREATE TABLE flows.alembic_version (version_num text); "
    address = url(newest, fresh(newest, *APPLIED, other + "INSERT INTO flows.alembic_version VALUES ('5f1c0e')"))
    result = migrated.predeploy("--only", "migrations", address=address)["migrations"]
    assert result["outcome"] == "unknown"
    assert "flows.alembic_version and public.migrations may each be the ledger" in result["reason"]
    for setting in ({"ignore": ["flows.*"]}, {"ledger": {"table": "migrations", "checksum": "checksum"}}):
        migrated.settings(setting, migrations={"service": "db", "files": "migrations/*.sql"})
        assert migrated.predeploy("--only", "migrations", address=address)["migrations"]["outcome"] == "pass"


def test_without_a_ledger_nothing_is_known(newest: Server, migrated: Shop) -> None:
    result = migrated.predeploy(address=url(newest, fresh(newest, FIRST, SECOND)))
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("unknown", "unknown")
    assert "app.predeploy.database.ledger" in result["drift"]["reason"]
    migrated.settings(
        {"ledger": {"table": "done", "name": "file"}}, migrations={"service": "db", "files": "migrations/*.sql"}
    )
    own = "CREATE TABLE done (file text PRIMARY KEY); INSERT INTO done VALUES ('0001_a'), ('2')"
    result = migrated.predeploy(address=url(newest, fresh(newest, FIRST, SECOND, own)))
    assert (result["migrations"]["outcome"], result["drift"]["outcome"]) == ("pass", "pass"), result["printed"]
