"""A database beside what its migrations build."""

from __future__ import annotations

from switchyard.predeploy.database.drift import is_reworded_view
from switchyard.predeploy.database.fingerprint import Difference, ObjectKey, fingerprint_of
from switchyard.predeploy.database.reference_server import ReferenceDatabase, Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import EXTENSION, fresh, url
from tests.harness.teams import (
    APPLIED,
    FIRST,
    LEDGER,
    SECOND,
    record,
)


def test_a_database_that_its_migrations_built_has_not_drifted(server: Server, migrated: Shop) -> None:
    innocent = f"""CREATE SCHEMA airflow; CREATE TABLE airflow.job (id int) PARTITION BY LIST (id);
    CREATE TABLE airflow.job_1 PARTITION OF airflow.job FOR VALUES IN (1); CREATE TYPE airflow.state AS ENUM ('up');
    CREATE VIEW airflow.jobs AS SELECT * FROM airflow.job; CREATE DOMAIN airflow.age AS int CHECK (value > 0);
    CREATE FUNCTION airflow.one() RETURNS int LANGUAGE sql AS 'SELECT 1'; {EXTENSION.format("airflow")};
    COMMENT ON TABLE teams IS 'ours'; GRANT SELECT ON teams TO PUBLIC; CREATE TEMP TABLE scratch (id int);
    CREATE TABLE left_out (id int); CREATE TABLE left_too (id int);
    CREATE TABLE log_3 PARTITION OF log FOR VALUES FROM ('2026-03-31 12:00+00') TO ('2026-04-30 12:00+00');
    DROP TABLE log_2; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = german', current_database());
    EXECUTE format('ALTER DATABASE %I SET timezone = japan', current_database()); END $$"""
    migrated.write(migrations__0003_c_sql="CREATE TABLE pending (id int PRIMARY KEY);")
    ignored = {"ignore": ["airflow.*", "left_out", "public.left_too"]}
    migrated.settings(ignored, migrations={"service": "db", "files": "migrations/*.sql"})
    result = migrated.predeploy(address=url(server, fresh(server, *APPLIED, innocent)))
    assert (result["drift"]["outcome"], result["drift"]["findings"]) == ("pass", []), result["printed"]
    assert result["migrations"]["outcome"] == "pass"
    assert places_of(result["migrations"], "unapplied") == ["migrations/0003_c.sql"]
    assert "1 of them pending" in result["migrations"]["reason"]


def test_an_extension_that_no_migration_made_is_reported_and_fails_nothing(server: Server, migrated: Shop) -> None:
    result = migrated.predeploy(
        "--only", "drift", address=url(server, fresh(server, *APPLIED, EXTENSION.format("public")))
    )
    (reported,) = result["drift"]["findings"]
    assert (reported["rule"], reported["severity"], reported["place"] in ("citext", "vector")) == (
        "drift-extra",
        "warn",
        True,
    )
    assert (result["drift"]["outcome"], result["exit"]) == ("pass", 0), result["printed"]


def test_an_extension_of_the_migrations_that_is_gone_is_drift(server: Server, migrated: Shop) -> None:
    extra = EXTENSION.format("public")
    migrated.write(migrations__0003_c_sql=extra)
    ledger = record(**{"0001_a": FIRST, "0002_b": SECOND, "0003_c": extra})
    result = migrated.predeploy("--only", "drift", address=url(server, fresh(server, FIRST, SECOND, LEDGER, ledger)))
    assert [each["rule"] for each in result["drift"]["findings"]] == ["drift-missing"], result["printed"]
    assert result["exit"] == 1


def test_whatever_was_done_by_hand_is_drift(server: Server, migrated: Shop) -> None:
    by_hand = """ALTER TABLE teams ADD COLUMN colour text; ALTER TABLE games ALTER COLUMN at DROP DEFAULT;
    DROP VIEW names; CREATE TABLE extra (id int PRIMARY KEY, a int, b int); CREATE INDEX ON extra (a);
    ALTER TYPE state ADD VALUE 'void'; CREATE INDEX by_hand ON games (team);
    CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n + n';
    ALTER TABLE games DROP CONSTRAINT games_team_fkey;
    ALTER TABLE log DETACH PARTITION log_1; ALTER TABLE log DETACH PARTITION log_2;
    ALTER TABLE log ATTACH PARTITION log_1 FOR VALUES FROM ('2026-01-31 12:00+00') TO ('2026-02-07 12:00+00');
    CREATE RULE quiet AS ON DELETE TO teams DO INSTEAD NOTHING"""
    result = migrated.predeploy("--only", "drift", address=url(server, fresh(server, *APPLIED, by_hand)))
    reported = {(each["rule"], each["place"]): each["what"] for each in result["drift"]["findings"]}
    assert result["exit"] == 1
    assert len(result["drift"]["findings"]) == 11
    assert sorted(reported) == [
        ("drift-changed", "public.games"),
        ("drift-changed", "public.log_1"),
        ("drift-changed", "public.state"),
        ("drift-changed", "public.twice(n integer)"),
        ("drift-extra", "public.extra"),
        ("drift-extra", "public.games"),
        ("drift-extra", "public.log_2"),
        ("drift-extra", "public.teams"),
        ("drift-missing", "public.games"),
        ("drift-missing", "public.names"),
    ]
    assert "should be: timestamp with time zone default now()" in reported["drift-changed", "public.games"]


def test_a_view_in_the_words_of_another_version_is_no_drift(newest: Server) -> None:
    name = fresh(
        newest, "CREATE TABLE teams (id int PRIMARY KEY, name text)", "CREATE VIEW names AS SELECT name FROM teams"
    )
    reference = ReferenceDatabase(newest, name)
    view = ObjectKey("view", "", "public.names")
    expected = fingerprint_of(reference, {"switchyard.ignored": "[]"})[view]
    for is_, same in (
        ("SELECT teams.name FROM public.teams;", True),
        ("SELECT upper(teams.name) AS name FROM public.teams;", False),
        ("SELECT gone.name FROM public.gone;", False),
    ):
        assert is_reworded_view(Difference("changed", view, expected, is_), reference) == same


def test_who_inherits_and_what_is_computed_anew_is_part_of_a_schema(eighteen: Server, migrated: Shop) -> None:
    own = "CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (base);"
    own += "CREATE TABLE sums (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);"
    migrated.write(migrations__0003_c_sql=own)
    applied = (*APPLIED, own, record(**{"0003_c": own}))
    assert (
        migrated.predeploy("--only", "drift", address=url(eighteen, fresh(eighteen, *applied)))["drift"]["outcome"]
        == "pass"
    )
    by_hand = "ALTER TABLE heir NO INHERIT base; ALTER TABLE sums DROP COLUMN twice;"
    by_hand += "ALTER TABLE sums ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) VIRTUAL"
    result = migrated.predeploy("--only", "drift", address=url(eighteen, fresh(eighteen, *applied, by_hand)))["drift"]
    assert sorted(places_of(result, "drift-changed")) == ["public.heir", "public.sums"]


CASES = {
    "drift": (test_whatever_was_done_by_hand_is_drift, test_a_database_that_its_migrations_built_has_not_drifted),
}
