"""New migrations: what would break the release that still runs, or hold a lock for long."""

from __future__ import annotations

from switchyard.predeploy.database import (
    migration_lint,
)
from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of, set_upstream
from tests.harness.postgres import fresh, url
from tests.harness.teams import (
    MANY,
    ONE_APPLIED,
    ONE_MIGRATION,
    VIEW,
)


def test_a_new_migration_that_breaks_or_locks_is_reported_with_its_line(newest: Server, evolving: Shop) -> None:
    evolving.write(
        migrations__2_sql="SET lock_timeout = '1s';\n\nALTER TABLE teams DROP COLUMN old;",
        migrations__3_sql="-- phase: contract\nSET lock_timeout = '1s';\nALTER TABLE teams RENAME name TO called;",
        migrations__4_sql="SET lock_timeout = '1s';\nCREATE INDEX by_team ON games (team);",
        migrations__5_sql="-- phase: later\nSELECT 1;",
        migrations__6_sql="SELECT 1;\nALTER TABLE teams\nADD COLUMN ;",
    )
    result = evolving.predeploy("--only", "migration-lint", address=url(newest, fresh(newest, *ONE_APPLIED, MANY)))
    reported = {
        (each["rule"], each["severity"]): f"{each['place']}:{each['line']}"
        for each in result["migration-lint"]["findings"]
    }
    assert result["exit"] == 1
    assert reported["ban-drop-column", "error"] == "migrations/2.sql:3"
    assert reported["renaming-column", "warn"] == "migrations/3.sql:3"
    assert reported["require-concurrent-index-creation", "error"] == "migrations/4.sql:2"
    assert reported["unknown-phase", "error"] == "migrations/5.sql:1"
    (unread,) = [each["what"] for each in result["migration-lint"]["findings"] if each["rule"] == "not-checked"]
    assert "migrations/6.sql:3: not SQL" in unread


def test_a_table_in_parts_is_as_large_as_they_are_together(newest: Server, evolving: Shop) -> None:
    parts = """CREATE TABLE whole (id int, note text) PARTITION BY RANGE (id); CREATE TABLE heirs (id int, note text);
    CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (1000000); CREATE TABLE heir () INHERITS (heirs);
    CREATE TABLE little (id int) PARTITION BY RANGE (id);
    INSERT INTO whole SELECT n, 'x' FROM generate_series(1, 300000) n; INSERT INTO heir TABLE whole"""
    evolving.write(
        migrations__2_sql="SET lock_timeout = '1s';\nALTER TABLE whole ADD UNIQUE (id);",
        migrations__3_sql="SET lock_timeout = '1s';\nALTER TABLE heirs ADD CHECK (id > 0);",
        migrations__4_sql="SET lock_timeout = '1s';\nALTER TABLE little ADD UNIQUE (id);",
    )
    result = evolving.predeploy("--only", "migration-lint", address=url(newest, fresh(newest, *ONE_APPLIED, parts)))
    every = result["migration-lint"]["findings"]
    reported = sorted({(each["place"], each["severity"]) for each in every if each["rule"] in migration_lint.LOCKS})
    assert reported == [("migrations/2.sql", "error"), ("migrations/3.sql", "error"), ("migrations/4.sql", "info")]


def test_what_only_adds_or_concerns_new_or_small_tables_is_not(newest: Server, evolving: Shop) -> None:
    evolving.write(
        migrations__2_sql="SET lock_timeout = '1s'; SET statement_timeout = '5s';\n"
        "CREATE TABLE fresh (id bigint PRIMARY KEY, team int);\nALTER TABLE teams ADD COLUMN rank int DEFAULT 0;",
        migrations__3_sql="SET lock_timeout = '1s'; SET statement_timeout = '5s';\n"
        "CREATE INDEX by_team ON fresh (team);\nCREATE INDEX by_name ON teams (name);\n"
        "ALTER TABLE fresh DROP COLUMN team;",
        migrations__4_sql="CREATE INDEX CONCURRENTLY by_at ON games (at);",
    )
    result = evolving.predeploy("--only", "migration-lint", address=url(newest, fresh(newest, *ONE_APPLIED, MANY)))
    severities = {each["severity"] for each in result["migration-lint"]["findings"]}
    assert (result["migration-lint"]["outcome"], severities - {"info", "warn"}) == ("pass", set()), result["printed"]


def test_no_neighbour_and_no_comment_hides_a_statement(newest: Server, evolving: Shop) -> None:
    drop = "ALTER TABLE teams DROP COLUMN old;"
    evolving.write(
        migrations__1_sql=f"{ONE_MIGRATION} {VIEW};",
        migrations__2_sql=f"/* äöü */ {drop} CREATE TABLE two (id bigint PRIMARY KEY);",
        migrations__3_sql=f"CREATE TABLE IF NOT EXISTS teams (id bigint PRIMARY KEY);\n{drop}",
        migrations__4_sql=f"-- squawk-ignore ban-drop-column\n{drop}",
        migrations__5_sql=f"-- squawk-ignore-file ban-drop-column\nSELECT 1;\n{drop}",
        migrations__6_sql="DROP VIEW names CASCADE;\nCREATE VIEW names AS SELECT name FROM teams;",
        migrations__7_sql="DROP TABLE teams;\nCREATE VIEW teams AS SELECT 1 AS id;",
        migrations__8_sql="DROP TABLE two, games;",
    )
    reported = []
    for path in (None, url(newest, fresh(newest, *ONE_APPLIED, VIEW))):
        if path is None:
            set_upstream(evolving, "migrations/1.sql")
        result = evolving.predeploy("--only", "migration-lint", address=path)["migration-lint"]
        reported.append({(each["rule"], f"{each['place']}:{each['line']}") for each in result["findings"]})
    for each in reported:
        assert {place for rule, place in each if rule == "ban-drop-column"} == {
            *("migrations/2.sql:1", "migrations/3.sql:2", "migrations/4.sql:2", "migrations/5.sql:3"),
        }
        assert ("ban-drop-view", "migrations/6.sql:1") in each
        assert {place for rule, place in each if rule == "ban-drop-table"} == {
            "migrations/7.sql:1",
            "migrations/8.sql:1",
        }


def test_what_nobody_uses_yet_and_what_would_take_it_back_is_left_alone(newest: Server, evolving: Shop) -> None:
    careful = "SET lock_timeout = '1s'; SET statement_timeout = '5s';\n"
    evolving.write(
        migrations__2_sql=f"{careful}CREATE MATERIALIZED VIEW mv AS SELECT id FROM games;\n"
        "CREATE UNIQUE INDEX ON mv (id);",
        migrations__3_sql=f"{careful}CREATE TABLE copied AS SELECT * FROM games; CREATE INDEX ON copied (team);\n"
        "ALTER TABLE copied DROP COLUMN at; SELECT * INTO again FROM games; DROP TABLE again, copied;",
        migrations__4_sql=f"{careful}DROP VIEW names; CREATE VIEW names AS SELECT id, name FROM teams;",
        migrations__5_sql=f"-- migrate:up\n{careful}CREATE TABLE five (id bigint PRIMARY KEY);\n"
        "-- migrate:down\nDROP TABLE five; ALTER TABLE teams DROP COLUMN old;",
        migrations__6_sql=f"-- +goose Up\n{careful}CREATE TABLE six (id bigint PRIMARY KEY);\n"
        "-- +goose Down\nDROP TABLE six; DROP TABLE teams;",
        sql__queries__six_sql="SELECT five.id FROM five JOIN six USING (id) JOIN teams USING (id)",
    )
    address = url(newest, fresh(newest, *ONE_APPLIED, VIEW, MANY))
    result = evolving.predeploy("--only", "migration-lint", address=address)
    assert result["migration-lint"]["findings"] == [], result["printed"]
    (evolving.app / "migrations" / "4.sql").unlink()
    assert evolving.predeploy("--only", "old-queries")["old-queries"]["outcome"] == "pass"


def test_what_was_applied_is_not_read_again_and_a_waiver_is_heard(newest: Server, evolving: Shop) -> None:
    address = url(newest, fresh(newest, *ONE_APPLIED))
    result = evolving.predeploy("--only", "migration-lint", address=address)["migration-lint"]
    assert (result["outcome"], "none of 1 migrations is new" in result["reason"]) == ("pass", True)
    evolving.write(migrations__2_sql="ALTER TABLE teams DROP COLUMN old;")
    own = {"name": "shop", "migrations": {"service": "db", "files": "migrations/*.sql"}}
    waiver = {"rule": "ban-drop-column", "where": "migrations/2.sql", "reason": "no release reads it"}
    own["predeploy"] = {"database": {}, "waive": [waiver]}
    (evolving.app / "invoke.yaml").write_text(str({"app": own}).replace("'", '"'))
    assert evolving.predeploy("--only", "migration-lint", address=address)["exit"] == 0


def test_without_a_database_new_is_what_the_upstream_branch_does_not_have(evolving: Shop) -> None:
    result = evolving.predeploy("--only", "migration-lint")["migration-lint"]
    assert (result["outcome"], "upstream" in result["reason"]) == ("skipped", True)
    set_upstream(evolving, ".")
    evolving.write(migrations__2_sql="ALTER TABLE teams DROP COLUMN old;")
    result = evolving.predeploy("--only", "migration-lint")["migration-lint"]
    assert places_of(result, "ban-drop-column") == ["migrations/2.sql"]


def test_no_rule_of_squawk_stands_in_two_classes() -> None:
    rules = [*migration_lint.BREAKS, *migration_lint.LOCKS, *migration_lint.CAREFUL]
    assert len(rules) == len(set(rules))


CASES = {
    "migration-lint": (
        test_a_new_migration_that_breaks_or_locks_is_reported_with_its_line,
        test_what_only_adds_or_concerns_new_or_small_tables_is_not,
    ),
}
