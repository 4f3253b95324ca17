"""New migrations and recorded queries: what would break the release that still runs, and what is too slow."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from switchyard.predeploy.database import migration_lint
from switchyard.predeploy.database.all import CHECKS
from switchyard.predeploy.database.query_parameters import numbered
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Result
from switchyard.predeploy.engine.runner import run
from switchyard.predeploy.engine.tree import of_work_tree
from switchyard.settings import load as settings
from tests.embedded import Shop, found, fresh, url
from tests.harness.machine_answers import checks_answer, host_machine

FIRST = """CREATE TABLE teams (id int PRIMARY KEY, name text NOT NULL, old text);
CREATE TABLE games (id bigserial PRIMARY KEY, team int, at timestamptz DEFAULT now());"""
LEDGER = "CREATE TABLE migrations (name text PRIMARY KEY, checksum text NOT NULL)"
BEFORE = (FIRST, LEDGER, f"INSERT INTO migrations VALUES ('1.sql', '{hashlib.sha256(FIRST.encode()).hexdigest()}')")
VIEW = "CREATE VIEW names AS SELECT name FROM teams"
MANY = "INSERT INTO games (team) SELECT n FROM generate_series(1, 300000) n"


@pytest.fixture
def moving(shop: Shop) -> Shop:
    """A database with one migration, and more to come."""
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    shop.write(migrations__1_sql=FIRST)
    return shop


def upstream(shop: Shop, what: str) -> None:
    """Gives the branch an upstream that has these files."""
    for words in ("checkout -qb main", f"add {what}", "commit -qm one", "branch before", "branch -u before"):
        subprocess.run(["git", "-C", str(shop.app), *words.split()], check=True, capture_output=True)


def test_a_new_migration_that_breaks_or_locks_is_told_with_its_line(newest: Server, moving: Shop) -> None:
    moving.write(
        migrations__2_sql="SET lock_timeout = '1s';\n\nALTER TABLE teams DROP COLUMN old;",
        migrations__3_sql="-- phase: contract\nSET lock_timeout = '1s';\nALTER TABLE teams RENAME name TO called;",
        migrations__4_sql="SET lock_timeout = '1s';\nCREATE INDEX by_team ON games (team);",
        migrations__5_sql="-- phase: later\nSELECT 1;",
        migrations__6_sql="SELECT 1;\nALTER TABLE teams\nADD COLUMN ;",
    )
    result = moving.predeploy("--only", "migration-lint", address=url(newest, fresh(newest, *BEFORE, MANY)))
    told = {
        (each["rule"], each["severity"]): f"{each['place']}:{each['line']}"
        for each in result["migration-lint"]["findings"]
    }
    assert result["exit"] == 1
    assert told["ban-drop-column", "error"] == "migrations/2.sql:3"
    assert told["renaming-column", "warn"] == "migrations/3.sql:3"
    assert told["require-concurrent-index-creation", "error"] == "migrations/4.sql:2"
    assert told["unknown-phase", "error"] == "migrations/5.sql:1"
    (unread,) = [each["what"] for each in result["migration-lint"]["findings"] if each["rule"] == "not-checked"]
    assert "migrations/6.sql:3: not SQL" in unread


def test_a_table_in_parts_is_as_large_as_they_are_together(newest: Server, moving: Shop) -> None:
    parts = """CREATE TABLE whole (id int, note text) PARTITION BY RANGE (id); CREATE TABLE heirs (id int, note text);
    CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (1000000); CREATE TABLE heir () INHERITS (heirs);
    CREATE TABLE little (id int) PARTITION BY RANGE (id);
    INSERT INTO whole SELECT n, 'x' FROM generate_series(1, 300000) n; INSERT INTO heir TABLE whole"""
    moving.write(
        migrations__2_sql="SET lock_timeout = '1s';\nALTER TABLE whole ADD UNIQUE (id);",
        migrations__3_sql="SET lock_timeout = '1s';\nALTER TABLE heirs ADD CHECK (id > 0);",
        migrations__4_sql="SET lock_timeout = '1s';\nALTER TABLE little ADD UNIQUE (id);",
    )
    result = moving.predeploy("--only", "migration-lint", address=url(newest, fresh(newest, *BEFORE, parts)))
    every = result["migration-lint"]["findings"]
    told = sorted({(each["place"], each["severity"]) for each in every if each["rule"] in migration_lint.LOCKS})
    assert told == [("migrations/2.sql", "error"), ("migrations/3.sql", "error"), ("migrations/4.sql", "info")]


def test_what_only_adds_or_concerns_new_or_small_tables_is_not(newest: Server, moving: Shop) -> None:
    moving.write(
        migrations__2_sql="SET lock_timeout = '1s'; SET statement_timeout = '5s';\n"
        "CREATE TABLE fresh (id bigint PRIMARY KEY, team int);\nALTER TABLE teams ADD COLUMN rank int DEFAULT 0;",
        migrations__3_sql="SET lock_timeout = '1s'; SET statement_timeout = '5s';\n"
        "CREATE INDEX by_team ON fresh (team);\nCREATE INDEX by_name ON teams (name);\n"
        "ALTER TABLE fresh DROP COLUMN team;",
        migrations__4_sql="CREATE INDEX CONCURRENTLY by_at ON games (at);",
    )
    result = moving.predeploy("--only", "migration-lint", address=url(newest, fresh(newest, *BEFORE, MANY)))
    severities = {each["severity"] for each in result["migration-lint"]["findings"]}
    assert (result["migration-lint"]["outcome"], severities - {"info", "warn"}) == ("pass", set()), result["printed"]


def test_no_neighbour_and_no_comment_hides_a_statement(newest: Server, moving: Shop) -> None:
    drop = "ALTER TABLE teams DROP COLUMN old;"
    moving.write(
        migrations__1_sql=f"{FIRST} {VIEW};",
        migrations__2_sql=f"/* äöü */ {drop} CREATE TABLE two (id bigint PRIMARY KEY);",
        migrations__3_sql=f"CREATE TABLE IF NOT EXISTS teams (id bigint PRIMARY KEY);\n{drop}",
        migrations__4_sql=f"-- squawk-ignore ban-drop-column\n{drop}",
        migrations__5_sql=f"-- squawk-ignore-file ban-drop-column\nSELECT 1;\n{drop}",
        migrations__6_sql="DROP VIEW names CASCADE;\nCREATE VIEW names AS SELECT name FROM teams;",
        migrations__7_sql="DROP TABLE teams;\nCREATE VIEW teams AS SELECT 1 AS id;",
        migrations__8_sql="DROP TABLE two, games;",
    )
    told = []
    for path in (None, url(newest, fresh(newest, *BEFORE, VIEW))):
        if path is None:
            upstream(moving, "migrations/1.sql")
        result = moving.predeploy("--only", "migration-lint", address=path)["migration-lint"]
        told.append({(each["rule"], f"{each['place']}:{each['line']}") for each in result["findings"]})
    for each in told:
        assert {place for rule, place in each if rule == "ban-drop-column"} == {
            *("migrations/2.sql:1", "migrations/3.sql:2", "migrations/4.sql:2", "migrations/5.sql:3"),
        }
        assert ("ban-drop-view", "migrations/6.sql:1") in each
        assert {place for rule, place in each if rule == "ban-drop-table"} == {
            "migrations/7.sql:1",
            "migrations/8.sql:1",
        }


def test_what_nobody_uses_yet_and_what_would_take_it_back_is_left_alone(newest: Server, moving: Shop) -> None:
    careful = "SET lock_timeout = '1s'; SET statement_timeout = '5s';\n"
    moving.write(
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
    address = url(newest, fresh(newest, *BEFORE, VIEW, MANY))
    result = moving.predeploy("--only", "migration-lint", address=address)
    assert result["migration-lint"]["findings"] == [], result["printed"]
    (moving.app / "migrations" / "4.sql").unlink()
    assert moving.predeploy("--only", "old-queries")["old-queries"]["outcome"] == "pass"


def test_what_was_applied_is_not_read_again_and_a_waiver_is_heard(newest: Server, moving: Shop) -> None:
    address = url(newest, fresh(newest, *BEFORE))
    result = moving.predeploy("--only", "migration-lint", address=address)["migration-lint"]
    assert (result["outcome"], "none of 1 migrations is new" in result["reason"]) == ("pass", True)
    moving.write(migrations__2_sql="ALTER TABLE teams DROP COLUMN old;")
    own = {"name": "shop", "migrations": {"service": "db", "files": "migrations/*.sql"}}
    waiver = {"rule": "ban-drop-column", "where": "migrations/2.sql", "reason": "no release reads it"}
    own["predeploy"] = {"database": {}, "waive": [waiver]}
    (moving.app / "invoke.yaml").write_text(str({"app": own}).replace("'", '"'))
    assert moving.predeploy("--only", "migration-lint", address=address)["exit"] == 0


def test_without_a_database_new_is_what_the_upstream_branch_does_not_have(moving: Shop) -> None:
    result = moving.predeploy("--only", "migration-lint")["migration-lint"]
    assert (result["outcome"], "upstream" in result["reason"]) == ("skipped", True)
    upstream(moving, ".")
    moving.write(migrations__2_sql="ALTER TABLE teams DROP COLUMN old;")
    result = moving.predeploy("--only", "migration-lint")["migration-lint"]
    assert found(result, "ban-drop-column") == ["migrations/2.sql"]


QUERIES = {
    "sql__queries__names_sql": "SELECT name, old FROM teams WHERE id = %(id)s AND name LIKE 'x%%'",
    "sql__queries__add_sql": "INSERT INTO teams (id, name) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING",
    "sql__queries__all_sql": "SELECT * FROM games WHERE team = $1",
    "sql__queries__open_sql": "SELECT now() - interval $1",
}


def test_old_queries_that_the_pending_migrations_break_are_told(server: Server, moving: Shop) -> None:
    moving.write(
        **QUERIES,
        migrations__2_sql="ALTER TABLE teams RENAME old TO former; ALTER TABLE teams ADD COLUMN rank int NOT NULL;"
        "ALTER TABLE games ADD COLUMN score int; ALTER TABLE games ADD CHECK (score > 0);",
    )
    result = moving.predeploy("--only", "old-queries", address=url(server, fresh(server, *BEFORE)))["old-queries"]
    assert result["outcome"] == "fail"
    assert found(result, "broken-query") == ["sql/queries/names.sql"]
    assert found(result, "required-column") == ["public.teams.rank"]
    assert found(result, "star-query") == ["sql/queries/all.sql"]
    assert found(result, "new-constraint") == ["public.games.games_score_check"]
    assert result["facts"]["unplannable"] == ["sql/queries/open.sql"]


def test_whatever_may_stop_or_hide_a_row_of_the_release_that_still_runs_is_told(newest: Server, moving: Shop) -> None:
    first = (
        FIRST + "ALTER TABLE games ADD CONSTRAINT side CHECK (team > 0), ADD CONSTRAINT late CHECK (id > 0) NOT VALID;"
    )
    moving.write(
        **QUERIES,
        migrations__1_sql=first,
        migrations__2_sql="CREATE UNIQUE INDEX by_name ON teams (name); CREATE INDEX by_team ON games (team);"
        "ALTER TABLE games VALIDATE CONSTRAINT late, DROP CONSTRAINT side, ADD CONSTRAINT side CHECK (team > 5);"
        "CREATE RULE no AS ON DELETE TO teams DO INSTEAD NOTHING;"
        "ALTER TABLE teams ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON teams USING (id < 5);",
    )
    row = f"INSERT INTO migrations VALUES ('1.sql', '{hashlib.sha256(first.encode()).hexdigest()}')"
    address = url(newest, fresh(newest, first, LEDGER, row))
    result = moving.predeploy("--only", "old-queries", address=address)["old-queries"]
    told = [(each["rule"], each["place"]) for each in result["findings"] if each["rule"].startswith("new-")]
    assert sorted(told) == [
        ("new-constraint", "public.games.side"),
        ("new-index", "public.teams.by_name"),
        ("new-policy", "public.teams"),
        ("new-policy", "public.teams.few"),
        ("new-rule", "public.teams.no"),
    ]


def test_old_queries_that_go_on_working_are_not(server: Server, moving: Shop) -> None:
    moving.write(
        **{**QUERIES, "sql__queries__all_sql": "SELECT id, count(*) FROM games GROUP BY 1"},
        migrations__2_sql="ALTER TABLE teams ADD COLUMN rank int NOT NULL DEFAULT 0; ALTER TABLE games ADD score int;"
        "ALTER TABLE teams ALTER name TYPE varchar; CREATE TABLE extra (id int PRIMARY KEY, must int NOT NULL);",
    )
    result = moving.predeploy("--only", "old-queries", address=url(server, fresh(server, *BEFORE)))["old-queries"]
    assert (result["outcome"], result["findings"]) == ("pass", [])
    assert "1 could not be planned before either" in result["reason"]


def test_without_a_database_each_query_must_fit_what_the_migrations_build(moving: Shop) -> None:
    moving.write(**QUERIES, sql__queries__gone_sql="SELECT gone FROM teams")
    result = moving.predeploy("--only", "old-queries")["old-queries"]
    assert found(result, "broken-query") == ["sql/queries/gone.sql", "sql/queries/open.sql"]


class Unseen:
    """No screen."""

    def begins(self, check: Check, usual: float | None) -> None:
        pass

    def ends(self, check: Check, result: Result) -> None:
        pass


def beside(shop: Shop, live: str) -> dict[str, Result]:
    """The checks that a live release's commit counts for."""
    subject = of_work_tree(settings.nowhere(shop.checkout), {}, (host_machine("prod1", checks_answer(live)),))
    checks = [check for check in CHECKS if check.name in ("old-queries", "migrations")]
    return run(checks, subject, fresh=True, show=Unseen())


def test_queries_of_a_live_release_that_this_clone_lacks_are_unknown(
    newest: Server, moving: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving.write(**QUERIES, migrations__2_sql="SELECT 1;")
    monkeypatch.setenv("DATABASE_URL", url(newest, fresh(newest, *BEFORE)))
    done = beside(moving, "f" * 40)
    assert done["old-queries"].outcome == "unknown"
    assert "this clone does not have the commit ffffffffff: git fetch it" in done["old-queries"].reason
    assert done["migrations"].outcome == "pass"
    assert "whether the live release has those is not known" in done["migrations"].reason


def test_queries_and_migrations_of_the_live_release_are_those_of_its_commit(
    newest: Server, moving: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = "ALTER TABLE teams DROP COLUMN old;"
    moving.write(sql__queries__names_sql="SELECT name, old FROM teams", migrations__2_sql=drop)
    upstream(moving, ".")
    moving.write(sql__queries__names_sql="SELECT name FROM teams", migrations__3_sql="SELECT 1;")
    monkeypatch.setenv("DATABASE_URL", url(newest, fresh(newest, *BEFORE)))
    done = beside(moving, "main")
    assert [each.place for each in done["old-queries"].findings] == ["sql/queries/names.sql"]
    assert "1 statement of the live release" in done["old-queries"].reason
    assert [(each.place, each.severity) for each in done["migrations"].findings] == [
        ("migrations/2.sql", "error"),
        ("migrations/3.sql", "info"),
    ]


def test_a_repeatable_migration_that_the_live_release_has_so_and_did_not_run_again_is_an_error(
    newest: Server, moving: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    flyway = """CREATE TABLE flyway_schema_history (installed_rank int, version text, script text, checksum int,
    type text, success bool); INSERT INTO flyway_schema_history VALUES (1, '1', '1.sql', NULL, 'SQL', true),
    (2, NULL, 'R__v.sql', 7, 'SQL', true)"""
    monkeypatch.setenv("DATABASE_URL", url(newest, fresh(newest, FIRST, flyway)))
    (moving.app / "migrations" / "R__v.sql").write_text("SELECT 1;")
    upstream(moving, ".")
    for text, severity in (("SELECT 1;", "error"), ("SELECT 2;", "info")):
        (moving.app / "migrations" / "R__v.sql").write_text(text)
        told = [(each.rule, each.place, each.severity) for each in beside(moving, "main")["migrations"].findings]
        assert told == [("unapplied", "migrations/R__v.sql", severity)]


def test_queries_of_which_none_can_be_planned_are_unknown(newest: Server, moving: Shop) -> None:
    moving.write(sql__queries__a_sql="SELECT $1 + $2", sql__queries__b_sql="SELECT $1 * $2")
    for address in (None, url(newest, fresh(newest, *BEFORE))):
        result = moving.predeploy("--only", "old-queries", address=address)["old-queries"]
        assert result["outcome"] == "unknown"
        assert (
            "none of 2 statements can be planned, such as sql/queries/a.sql: operator is not unique" in result["reason"]
        )


SEEN = """INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
VALUES (90000, 'pg_stat_statements', 10, 'public'::regnamespace, true, '1.10');
CREATE TABLE pg_stat_statements (queryid bigint, query text, toplevel bool, dbid oid);
INSERT INTO pg_stat_statements SELECT 7, $q${}$q$, true, oid FROM pg_database WHERE datname = current_database()"""
"""What stands in for the extension, which the embedded servers do not have, with one statement."""


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (
            "BEGIN",
            "has seen no SELECT, INSERT, UPDATE, DELETE or MERGE of the application: let the live release answer",
        ),
        (
            "SELECT now() - interval $1",
            "none of 1 statement can be planned, such as pg_stat_statements 7 (SELECT now()",
        ),
        ("SELECT $1 + $2", "none of 1 statement can be planned, such as pg_stat_statements 7 (SELECT $1 + $2)"),
    ],
)
def test_statistics_in_which_nothing_can_be_planned_are_unknown_and_say_what_to_do(
    newest: Server, moving: Shop, seen: str, words: str
) -> None:
    address = url(newest, fresh(newest, *BEFORE, SEEN.format(seen)))
    result = moving.predeploy("--only", "old-queries", address=address)["old-queries"]
    assert (result["outcome"], words in result["reason"]) == ("unknown", True), result["reason"]
    do = "put the queries into sql/queries/*.sql, one a file" if seen == "BEGIN" else "write them into files of queries"
    assert do in result["reason"]
    moving.write(sql__queries__a_sql="SELECT name FROM teams")
    result = moving.predeploy("--only", "old-queries", address=address)["old-queries"]
    assert result["outcome"] == "pass", result["reason"]


def test_a_query_that_is_no_text_is_named(moving: Shop) -> None:
    moving.write(**QUERIES)
    (moving.app / "sql" / "queries" / "old.sql").write_bytes("SELECT 'ä'".encode("latin-1"))
    result = moving.predeploy("--only", "old-queries")["old-queries"]
    assert (result["outcome"], "sql/queries/old.sql:1: not UTF-8" in result["reason"]) == ("unknown", True)


def test_a_critical_query_is_timed_as_its_client_sees_it(newest: Server, moving: Shop) -> None:
    moving.write(
        sql__queries__quick_sql="SELECT id FROM games WHERE id = 7;",
        sql__queries__many_sql="SELECT id, at FROM games",
        sql__queries__writes_sql="DELETE FROM games",
    )
    shop = {"critical": {"quick": 1.0, "many.sql": 0.001}}
    moving.settings(shop, migrations={"service": "db", "files": "migrations/*.sql"})
    address = url(newest, fresh(newest, *BEFORE, MANY))
    result = moving.predeploy("--only", "query-time", address=address)["query-time"]
    assert found(result, "slow-query") == ["sql/queries/many.sql"]
    assert "Seq Scan games" in result["findings"][0]["do"]
    assert result["facts"]["queries"]["sql/queries/quick.sql"]["rounds"] == 5
    moving.settings({"critical": {"quick": 1.0, "writes": 1.0, "none": 1.0}})
    result = moving.predeploy("--only", "query-time", address=address)["query-time"]
    assert result["outcome"] == "unknown"
    assert "sql/queries/writes.sql:1: DELETE" in result["reason"]
    assert "has no none" in result["reason"]


def test_a_critical_query_is_timed_with_the_values_that_its_parameters_are_bound_to(
    newest: Server, moving: Shop
) -> None:
    moving.write(
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
    moving.settings({"critical": critical})
    address = url(newest, fresh(newest, *BEFORE, "INSERT INTO teams VALUES (1, 'O''Neill; DROP TABLE teams')"))
    result = moving.predeploy("--only", "query-time", address=address)["query-time"]
    assert result["outcome"] == "pass", result["reason"]
    assert len(result["facts"]["queries"]) == len(critical)
    for params, words in (
        ({}, "lacks.sql:1: a parameter"),
        ({"name": 1}, "do not say what its parameter id is"),
        ({"id": 1, "name": 1}, "say what name is, and it has no such parameter"),
        ({"id": "one"}, "invalid input syntax"),
    ):
        text = "SELECT id FROM games WHERE id = " + (":id" if params else "$1")
        moving.write(sql__queries__lacks_sql=text)
        moving.settings({"critical": {"lacks": {"within": 5.0, "params": params}}})
        result = moving.predeploy("--only", "query-time", address=address)["query-time"]
        assert (result["outcome"], words in result["reason"]) == ("unknown", True), result["reason"]


def test_a_critical_query_has_the_settings_of_its_role_and_its_database(newest: Server, moving: Shop) -> None:
    names = ("work_mem", "jit", "max_parallel_workers_per_gather", "search_path", "datestyle")
    whole = " || ' ' || ".join(f"current_setting('{name}')" for name in names)
    moving.write(sql__queries__settings_sql=f"SELECT 1 / ({whole} = '8MB on 3 apart SQL, DMY')::int")
    moving.settings({"critical": {"settings": 5.0}})
    own = (
        "work_mem = '8MB'",
        "jit = on",
        "max_parallel_workers_per_gather = 3",
        "search_path = apart",
        "datestyle = 'SQL, DMY'",
    )
    sets = "".join(f"EXECUTE format($f$ALTER DATABASE %I SET {one}$f$, current_database());" for one in own)
    address = url(newest, fresh(newest, *BEFORE, f"DO $do$ BEGIN {sets} END $do$"))
    result = moving.predeploy("--only", "query-time", address=address)["query-time"]
    assert result["outcome"] == "pass", result["reason"]


def test_a_plan_that_changed_is_a_warning(newest: Server, moving: Shop) -> None:
    moving.write(sql__queries__team_sql="SELECT id FROM games WHERE team = 7")
    moving.settings({"critical": {"team": 5.0}})
    name = fresh(newest, *BEFORE, MANY, "CREATE INDEX by_team ON games (team); ANALYZE games")
    assert moving.predeploy("--only", "query-time", address=url(newest, name))["query-time"]["findings"] == []
    with newest.open(name) as connection:
        connection.execute("DROP INDEX by_team")
    result = moving.predeploy("--only", "query-time", address=url(newest, name))["query-time"]
    assert (result["outcome"], found(result, "plan-changed")) == ("pass", ["sql/queries/team.sql"])


def test_parameters_of_drivers_become_the_servers_own() -> None:
    for text, becomes in (
        ("a = %s AND b = %s", "a = $1 AND b = $2"),
        ("a = %(x)s OR b = %(x)s OR c = %(y)s", "a = $1 OR b = $1 OR c = $2"),
        ("a = :x AND b::text = ':no' -- :no %s", "a = $1 AND b::text = ':no' -- :no %s"),
        ("a % 2 = $1 AND a %% 2 = 0", "a % 2 = $1 AND a % 2 = 0"),
    ):
        assert numbered(text) == becomes


def test_no_rule_of_squawk_stands_in_two_classes() -> None:
    rules = [*migration_lint.BREAKS, *migration_lint.LOCKS, *migration_lint.CAREFUL]
    assert len(rules) == len(set(rules))


CASES = {
    "migration-lint": (
        test_a_new_migration_that_breaks_or_locks_is_told_with_its_line,
        test_what_only_adds_or_concerns_new_or_small_tables_is_not,
    ),
    "old-queries": (
        test_old_queries_that_the_pending_migrations_break_are_told,
        test_old_queries_that_go_on_working_are_not,
    ),
    "query-time": (test_a_critical_query_is_timed_as_its_client_sees_it, test_a_plan_that_changed_is_a_warning),
}
"""Check to what it finds and what it leaves alone."""
