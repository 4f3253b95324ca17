"""The contract of files in sql/checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.core.errors import BadInput
from switchyard.predeploy.database.sql_checks import read_sql_check, shipped
from tests.harness.library import TOP


def test_every_shipped_file_keeps_to_the_contract() -> None:
    files = shipped()
    ids = [file.id for file in files]
    assert len(set(ids)) == len(ids) == len(list((TOP / "sql" / "checks").glob("*.sql")))
    assert all(file.place == f"sql/checks/{file.id}.sql" for file in files)


def test_a_header_names_what_is_wrong_with_it(tmp_path: Path) -> None:
    good = {"id": "x", "severity": "warn", "promises": "y", "do": "z"}
    for change, words in (
        ({"severity": "bad"}, "x.sql:2: severity"),
        ({"since": "new"}, "x.sql:5: since"),
        ({"do": None}, "x.sql:1: .*`-- do:`"),
    ):
        head = "".join(f"-- {key}: {value}\n" for key, value in {**good, **change}.items() if value)
        (tmp_path / "x.sql").write_text(f"{head}SELECT 1")
        with pytest.raises(BadInput, match=words):
            read_sql_check(tmp_path / "x.sql", "x.sql")
