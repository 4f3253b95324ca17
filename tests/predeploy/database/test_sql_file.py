"""Files of SQL as text."""

from __future__ import annotations

import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.sql_file import decode_sql, upward


@pytest.mark.parametrize("down", ["-- migrate:down", "-- +goose Down", "-- +migrate Down"])
def test_the_way_back_is_left_out(down: str) -> None:
    assert upward(f"\ufeffSELECT 1;\n{down}\nSELECT 2;") == "SELECT 1;\n"


def test_line_endings_are_kept_and_what_is_no_text_is_named_with_its_line() -> None:
    assert decode_sql(b"a\r\nb", "x.sql") == "a\r\nb"
    with pytest.raises(NotChecked, match=r"x\.sql:2: not UTF-8"):
        decode_sql(b"a\n\xff", "x.sql")
