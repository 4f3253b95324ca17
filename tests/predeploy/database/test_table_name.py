"""Names of tables."""

from __future__ import annotations

from switchyard.predeploy.database.table_name import table_name


def test_a_name_without_a_schema_is_one_of_public() -> None:
    assert str(table_name("games")) == "public.games"
    assert str(table_name("Odd.Na.me")) == "Odd.Na.me"
    assert table_name("Odd.Na.me").identifier.as_string(None) == '"Odd"."Na.me"'
