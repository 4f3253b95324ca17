"""Which migrations are applied and which are pending, by the ledger."""

from __future__ import annotations

from switchyard.predeploy.database.ledger import Ledger
from switchyard.predeploy.database.migration_status import status_of
from switchyard.predeploy.database.sql_file import SqlFile
from switchyard.predeploy.database.table_name import TableName
from tests.harness.teams import sha

TABLE = TableName("public", "migrations")
ONE, TWO, VIEW = SqlFile("db/V1__a.sql", "1"), SqlFile("db/V2__b.sql", "2"), SqlFile("db/R__v.sql", "view")


def test_files_are_divided_by_the_rows_that_are_about_them() -> None:
    status = status_of((ONE, TWO), Ledger(TABLE, {"V1__a.sql": sha("1"), "V0__gone.sql": None}))
    assert (status.applied, status.pending, status.gone) == ((ONE,), (TWO,), ["V0__gone.sql"])
    assert status.is_unedited(ONE) is True
    assert status.is_unedited(SqlFile(ONE.path, "edited")) is False
    assert status.is_unedited(TWO) is None


def test_a_baseline_counts_files_up_to_its_version_as_applied() -> None:
    assert status_of((ONE, TWO), Ledger(TABLE, {}, applied_up_to=(1,))).applied == (ONE,)


def test_a_repeatable_file_that_changed_is_pending_with_the_checksum_of_before() -> None:
    status = status_of((VIEW,), Ledger(TABLE, {"R__v.sql": sha("old")}, repeats=True))
    assert (status.pending, status.changed) == ((VIEW,), {VIEW.path: sha("old")})
    assert status_of((VIEW,), Ledger(TABLE, {"R__v.sql": sha("old")})).applied == (VIEW,)
