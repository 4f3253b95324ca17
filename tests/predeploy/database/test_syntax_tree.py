"""SQL as PostgreSQL's own parser reads it."""

from __future__ import annotations

import pytest

from switchyard.predeploy.database.syntax_tree import RefusedSql, parse


@pytest.mark.parametrize(
    ("text", "creates", "relations"),
    [
        ("CREATE TABLE t (id int)", "table", {"public.t"}),
        ("CREATE TABLE s.t AS SELECT 1", "table", {"s.t"}),
        ("SELECT 1 INTO t", "table", {"public.t"}),
        ("CREATE VIEW v AS SELECT 1", "view", {"public.v"}),
        ("CREATE MATERIALIZED VIEW s.v AS SELECT 1", "view", {"s.v"}),
        ("DROP TABLE a, s.b", "", {"public.a", "s.b"}),
        ("ALTER TABLE s.t ADD a int", "", {"s.t"}),
        ("CREATE INDEX ON t (a)", "", {"public.t"}),
        ("SELECT * FROM t", "", set()),
    ],
)
def test_a_statement_names_what_it_creates_and_what_it_is_about(text: str, creates: str, relations: set[str]) -> None:
    (statement,) = parse(text)
    assert (statement.creates, statement.relations()) == (creates, relations)


def test_statements_keep_their_text_and_the_line_after_their_comments() -> None:
    first, second = parse("-- ä\nSELECT 1;\n/* two\nlines */ SELECT 2")
    assert (first.line, first.sql) == (2, "SELECT 1")
    assert (second.line, second.sql) == (4, "SELECT 2")


def test_roles_and_parameters_are_found_wherever_they_stand() -> None:
    grant, owner, system = parse("GRANT a TO b; ALTER TABLE t OWNER TO c; GRANT pg_monitor TO d")
    assert (grant.roles(), owner.roles(), system.roles()) == ({"a", "b"}, {"c"}, {"d"})
    assert parse("SELECT $2 FROM t WHERE id IN ($1, $2)")[0].parameters() == {1, 2}


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("CREATE INDEX CONCURRENTLY ON t (a)", True),
        ("DROP INDEX CONCURRENTLY i", True),
        ("ALTER TYPE state ADD VALUE 'void'", True),
        ("VACUUM t", True),
        ("COMMIT", True),
        ("CREATE INDEX ON t (a)", False),
    ],
)
def test_statements_that_cannot_share_a_transaction_are_known(text: str, alone: bool) -> None:
    assert parse(text)[0].runs_alone == alone


def test_only_a_plain_drop_of_views_drops_only_views() -> None:
    for text, only in (("DROP VIEW v", True), ("DROP VIEW v CASCADE", False), ("DROP TABLE t", False)):
        assert parse(text)[0].drops_only_views == only


def test_what_is_no_sql_is_refused_with_its_line() -> None:
    with pytest.raises(RefusedSql, match="not SQL") as refused:
        parse("SELECT 1;\nSELECT FROM WHERE")
    assert refused.value.line == 2
