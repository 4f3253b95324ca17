"""Where recorded queries come from: files, the live release's commit, pg_stat_statements."""

from __future__ import annotations

import pytest

from switchyard.predeploy.database.all import CHECKS
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.engine.result import Result
from switchyard.predeploy.engine.runner import run
from switchyard.predeploy.engine.tree import of_work_tree
from switchyard.settings import load as settings
from tests.harness.database_application import Shop, set_upstream
from tests.harness.machine_answers import checks_answer, host_machine
from tests.harness.postgres import fresh, url
from tests.harness.teams import (
    ONE_APPLIED,
    ONE_MIGRATION,
    QUERIES,
)


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
    newest: Server, evolving: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    evolving.write(**QUERIES, migrations__2_sql="SELECT 1;")
    monkeypatch.setenv("DATABASE_URL", url(newest, fresh(newest, *ONE_APPLIED)))
    done = beside(evolving, "f" * 40)
    assert done["old-queries"].outcome == "unknown"
    assert "this clone does not have the commit ffffffffff: git fetch it" in done["old-queries"].reason
    assert done["migrations"].outcome == "pass"
    assert "whether the live release has those is not known" in done["migrations"].reason


def test_queries_and_migrations_of_the_live_release_are_those_of_its_commit(
    newest: Server, evolving: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = "ALTER TABLE teams DROP COLUMN old;"
    evolving.write(sql__queries__names_sql="SELECT name, old FROM teams", migrations__2_sql=drop)
    set_upstream(evolving, ".")
    evolving.write(sql__queries__names_sql="SELECT name FROM teams", migrations__3_sql="SELECT 1;")
    monkeypatch.setenv("DATABASE_URL", url(newest, fresh(newest, *ONE_APPLIED)))
    done = beside(evolving, "main")
    assert [each.place for each in done["old-queries"].findings] == ["sql/queries/names.sql"]
    assert "1 statement of the live release" in done["old-queries"].reason
    assert [(each.place, each.severity) for each in done["migrations"].findings] == [
        ("migrations/2.sql", "error"),
        ("migrations/3.sql", "info"),
    ]


def test_a_repeatable_migration_that_the_live_release_has_so_and_did_not_run_again_is_an_error(
    newest: Server, evolving: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    flyway = """CREATE TABLE flyway_schema_history (installed_rank int, version text, script text, checksum int,
    type text, success bool); INSERT INTO flyway_schema_history VALUES (1, '1', '1.sql', NULL, 'SQL', true),
    (2, NULL, 'R__v.sql', 7, 'SQL', true)"""
    monkeypatch.setenv("DATABASE_URL", url(newest, fresh(newest, ONE_MIGRATION, flyway)))
    (evolving.app / "migrations" / "R__v.sql").write_text("SELECT 1;")
    set_upstream(evolving, ".")
    for text, severity in (("SELECT 1;", "error"), ("SELECT 2;", "info")):
        (evolving.app / "migrations" / "R__v.sql").write_text(text)
        reported = [(each.rule, each.place, each.severity) for each in beside(evolving, "main")["migrations"].findings]
        assert reported == [("unapplied", "migrations/R__v.sql", severity)]


def test_queries_of_which_none_can_be_planned_are_unknown(newest: Server, evolving: Shop) -> None:
    evolving.write(sql__queries__a_sql="SELECT $1 + $2", sql__queries__b_sql="SELECT $1 * $2")
    for address in (None, url(newest, fresh(newest, *ONE_APPLIED))):
        result = evolving.predeploy("--only", "old-queries", address=address)["old-queries"]
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
    newest: Server, evolving: Shop, seen: str, words: str
) -> None:
    address = url(newest, fresh(newest, *ONE_APPLIED, SEEN.format(seen)))
    result = evolving.predeploy("--only", "old-queries", address=address)["old-queries"]
    assert (result["outcome"], words in result["reason"]) == ("unknown", True), result["reason"]
    do = "put the queries into sql/queries/*.sql, one a file" if seen == "BEGIN" else "write them into files of queries"
    assert do in result["reason"]
    evolving.write(sql__queries__a_sql="SELECT name FROM teams")
    result = evolving.predeploy("--only", "old-queries", address=address)["old-queries"]
    assert result["outcome"] == "pass", result["reason"]


def test_a_query_that_is_no_text_is_named(evolving: Shop) -> None:
    evolving.write(**QUERIES)
    (evolving.app / "sql" / "queries" / "old.sql").write_bytes("SELECT 'ä'".encode("latin-1"))
    result = evolving.predeploy("--only", "old-queries")["old-queries"]
    assert (result["outcome"], "sql/queries/old.sql:1: not UTF-8" in result["reason"]) == ("unknown", True)
