"""Foreign keys of the catalog, declared relations, and columns that look like relations."""

from __future__ import annotations

import pytest

from switchyard.core.errors import BadInput
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.relations import declared_relation, foreign_keys, suggestions
from switchyard.settings.predeploy import RelationSetting
from tests.harness.postgres import open_reader

TABLES = """CREATE TABLE teams (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE games (id int PRIMARY KEY, home int CONSTRAINT home_team REFERENCES teams, team_id int)"""


def test_a_foreign_key_has_its_columns_and_its_operator(newest: Server) -> None:
    with open_reader(newest, TABLES) as reader:
        (key,) = foreign_keys(reader)
    assert (key.name, str(key.child), str(key.parent)) == ("home_team", "public.games", "public.teams")
    assert key.pairs == (("home", "id", "pg_catalog.="),)
    assert key.uses_plain_equality and key.readable


def test_a_column_named_after_a_table_looks_like_a_relation(newest: Server) -> None:
    with open_reader(newest, TABLES) as reader:
        assert suggestions(reader) == [("public.games (team_id)", "public.teams (id)")]


def test_a_declared_relation_needs_as_many_columns_on_both_sides() -> None:
    setting = RelationSetting(child="games", columns=["home", "away"], parent="teams", parent_columns=["id"])
    with pytest.raises(BadInput, match=r"relations\[3\]: columns and parent_columns differ in number"):
        declared_relation(setting, 3)
