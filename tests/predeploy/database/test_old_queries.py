"""The live release's queries on the schema of the pending migrations."""

from __future__ import annotations

import hashlib

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import fresh, url
from tests.harness.teams import (
    LEDGER,
    ONE_APPLIED,
    ONE_MIGRATION,
    QUERIES,
)


def test_old_queries_that_the_pending_migrations_break_are_reported(server: Server, evolving: Shop) -> None:
    evolving.write(
        **QUERIES,
        migrations__2_sql="ALTER TABLE teams RENAME old TO former; ALTER TABLE teams ADD COLUMN rank int NOT NULL;"
        "ALTER TABLE games ADD COLUMN score int; ALTER TABLE games ADD CHECK (score > 0);",
    )
    result = evolving.predeploy("--only", "old-queries", address=url(server, fresh(server, *ONE_APPLIED)))[
        "old-queries"
    ]
    assert result["outcome"] == "fail"
    assert places_of(result, "broken-query") == ["sql/queries/names.sql"]
    assert places_of(result, "required-column") == ["public.teams.rank"]
    assert places_of(result, "star-query") == ["sql/queries/all.sql"]
    assert places_of(result, "new-constraint") == ["public.games.games_score_check"]
    assert result["facts"]["unplannable"] == ["sql/queries/open.sql"]


def test_whatever_may_stop_or_hide_a_row_of_the_release_that_still_runs_is_reported(
    newest: Server, evolving: Shop
) -> None:
    first = (
        ONE_MIGRATION
        + "ALTER TABLE games ADD CONSTRAINT side CHECK (team > 0), ADD CONSTRAINT late CHECK (id > 0) NOT VALID;"
    )
    evolving.write(
        **QUERIES,
        migrations__1_sql=first,
        migrations__2_sql="CREATE UNIQUE INDEX by_name ON teams (name); CREATE INDEX by_team ON games (team);"
        "ALTER TABLE games VALIDATE CONSTRAINT late, DROP CONSTRAINT side, ADD CONSTRAINT side CHECK (team > 5);"
        "CREATE RULE no AS ON DELETE TO teams DO INSTEAD NOTHING;"
        "ALTER TABLE teams ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON teams USING (id < 5);",
    )
    row = f"INSERT INTO migrations VALUES ('1.sql', '{hashlib.sha256(first.encode()).hexdigest()}')"
    address = url(newest, fresh(newest, first, LEDGER, row))
    result = evolving.predeploy("--only", "old-queries", address=address)["old-queries"]
    reported = [(each["rule"], each["place"]) for each in result["findings"] if each["rule"].startswith("new-")]
    assert sorted(reported) == [
        ("new-constraint", "public.games.side"),
        ("new-index", "public.teams.by_name"),
        ("new-policy", "public.teams"),
        ("new-policy", "public.teams.few"),
        ("new-rule", "public.teams.no"),
    ]


def test_old_queries_that_go_on_working_are_not(server: Server, evolving: Shop) -> None:
    evolving.write(
        **{**QUERIES, "sql__queries__all_sql": "SELECT id, count(*) FROM games GROUP BY 1"},
        migrations__2_sql="ALTER TABLE teams ADD COLUMN rank int NOT NULL DEFAULT 0; ALTER TABLE games ADD score int;"
        "ALTER TABLE teams ALTER name TYPE varchar; CREATE TABLE extra (id int PRIMARY KEY, must int NOT NULL);",
    )
    result = evolving.predeploy("--only", "old-queries", address=url(server, fresh(server, *ONE_APPLIED)))[
        "old-queries"
    ]
    assert (result["outcome"], result["findings"]) == ("pass", [])
    assert "1 could not be planned before either" in result["reason"]


def test_without_a_database_each_query_must_fit_what_the_migrations_build(evolving: Shop) -> None:
    evolving.write(**QUERIES, sql__queries__gone_sql="SELECT gone FROM teams")
    result = evolving.predeploy("--only", "old-queries")["old-queries"]
    assert places_of(result, "broken-query") == ["sql/queries/gone.sql", "sql/queries/open.sql"]


CASES = {
    "old-queries": (
        test_old_queries_that_the_pending_migrations_break_are_reported,
        test_old_queries_that_go_on_working_are_not,
    ),
}
