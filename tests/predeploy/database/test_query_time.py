"""Critical queries are timed as their client sees them."""

from __future__ import annotations

from switchyard.predeploy.database.reference_server import Server
from tests.harness.database_application import Shop, places_of
from tests.harness.postgres import fresh, url
from tests.harness.teams import (
    MANY,
    ONE_APPLIED,
)


def test_a_critical_query_is_timed_as_its_client_sees_it(newest: Server, evolving: Shop) -> None:
    evolving.write(
        sql__queries__quick_sql="SELECT id FROM games WHERE id = 7;",
        sql__queries__many_sql="SELECT id, at FROM games",
        sql__queries__writes_sql="DELETE FROM games",
    )
    shop = {"critical": {"quick": 1.0, "many.sql": 0.001}}
    evolving.settings(shop, migrations={"service": "db", "files": "migrations/*.sql"})
    address = url(newest, fresh(newest, *ONE_APPLIED, MANY))
    result = evolving.predeploy("--only", "query-time", address=address)["query-time"]
    assert places_of(result, "slow-query") == ["sql/queries/many.sql"]
    assert "Seq Scan games" in result["findings"][0]["do"]
    assert result["facts"]["queries"]["sql/queries/quick.sql"]["rounds"] == 5
    evolving.settings({"critical": {"quick": 1.0, "writes": 1.0, "none": 1.0}})
    result = evolving.predeploy("--only", "query-time", address=address)["query-time"]
    assert result["outcome"] == "unknown"
    assert "sql/queries/writes.sql:1: DELETE" in result["reason"]
    assert "has no none" in result["reason"]


def test_a_critical_query_is_timed_with_the_values_that_its_parameters_are_bound_to(
    newest: Server, evolving: Shop
) -> None:
    evolving.write(
        sql__queries__named_sql="SELECT 1 / count(*) FROM teams WHERE name = :name AND id = :id AND name <> ':id'",
        sql__queries__driver_sql="SELECT 1 / count(*) FROM teams WHERE name = %(name)s AND id %% 2 = %(id)s",
        sql__queries__numbered_sql="SELECT 1 / count(*) FROM teams WHERE id = $2 AND name = $1",
        sql__queries__placed_sql="SELECT 1 / count(*) FROM teams WHERE name = %s AND id = %s::bigint",
        sql__queries__day_sql="SELECT id FROM games WHERE at > :day",
        sql__queries__lacks_sql="SELECT id FROM games WHERE id = :id",
    )
    values = {"name": "O'Neill; DROP TABLE teams", "id": 1}
    critical = {
        "named": {"within": 5.0, "params": values},
        "driver": {"within": 5, "params": values},
        "numbered": {"within": 5.0, "params": list(values.values())},
        "placed": {"within": 5.0, "params": list(values.values())},
        "day": {"within": 5.0, "params": {"day": "2026-01-31"}},
    }
    evolving.settings({"critical": critical})
    address = url(newest, fresh(newest, *ONE_APPLIED, "INSERT INTO teams VALUES (1, 'O''Neill; DROP TABLE teams')"))
    result = evolving.predeploy("--only", "query-time", address=address)["query-time"]
    assert result["outcome"] == "pass", result["reason"]
    assert len(result["facts"]["queries"]) == len(critical)
    for params, words in (
        ({}, "lacks.sql:1: a parameter"),
        ({"name": 1}, "do not say what its parameter id is"),
        ({"id": 1, "name": 1}, "say what name is, and it has no such parameter"),
        ({"id": "one"}, "invalid input syntax"),
    ):
        text = "SELECT id FROM games WHERE id = " + (":id" if params else "$1")
        evolving.write(sql__queries__lacks_sql=text)
        evolving.settings({"critical": {"lacks": {"within": 5.0, "params": params}}})
        result = evolving.predeploy("--only", "query-time", address=address)["query-time"]
        assert (result["outcome"], words in result["reason"]) == ("unknown", True), result["reason"]


def test_a_critical_query_has_the_settings_of_its_role_and_its_database(newest: Server, evolving: Shop) -> None:
    names = ("work_mem", "jit", "max_parallel_workers_per_gather", "search_path", "datestyle")
    whole = " || ' ' || ".join(f"current_setting('{name}')" for name in names)
    evolving.write(sql__queries__settings_sql=f"SELECT 1 / ({whole} = '8MB on 3 apart SQL, DMY')::int")
    evolving.settings({"critical": {"settings": 5.0}})
    own = (
        "work_mem = '8MB'",
        "jit = on",
        "max_parallel_workers_per_gather = 3",
        "search_path = apart",
        "datestyle = 'SQL, DMY'",
    )
    sets = "".join(f"EXECUTE format($f$ALTER DATABASE %I SET {one}$f$, current_database());" for one in own)
    address = url(newest, fresh(newest, *ONE_APPLIED, f"DO $do$ BEGIN {sets} END $do$"))
    result = evolving.predeploy("--only", "query-time", address=address)["query-time"]
    assert result["outcome"] == "pass", result["reason"]


def test_a_plan_that_changed_is_a_warning(newest: Server, evolving: Shop) -> None:
    evolving.write(sql__queries__team_sql="SELECT id FROM games WHERE team = 7")
    evolving.settings({"critical": {"team": 5.0}})
    name = fresh(newest, *ONE_APPLIED, MANY, "CREATE INDEX by_team ON games (team); ANALYZE games")
    assert evolving.predeploy("--only", "query-time", address=url(newest, name))["query-time"]["findings"] == []
    with newest.open(name) as connection:
        connection.execute("DROP INDEX by_team")
    result = evolving.predeploy("--only", "query-time", address=url(newest, name))["query-time"]
    assert (result["outcome"], places_of(result, "plan-changed")) == ("pass", ["sql/queries/team.sql"])


CASES = {
    "query-time": (test_a_critical_query_is_timed_as_its_client_sees_it, test_a_plan_that_changed_is_a_warning),
}
