"""Every check of the database, and every shipped file, has been seen to find and to spare."""

from __future__ import annotations

from switchyard.predeploy.database.all import CHECKS
from switchyard.predeploy.database.sql_checks import shipped
from tests.predeploy.database import (
    test_catalog,
    test_catalog_own,
    test_catalog_server,
    test_drift,
    test_migration_lint,
    test_migrations,
    test_old_queries,
    test_query_time,
    test_rows,
)

CASES_BY_HAND = {
    **test_catalog.BY_HAND,
    **test_catalog_own.BY_HAND,
    **test_catalog_server.BY_HAND,
    **test_rows.BY_HAND,
}
MODULES_WITH_CASES = (
    test_catalog,
    test_drift,
    test_migration_lint,
    test_migrations,
    test_old_queries,
    test_query_time,
)


def test_every_check_of_the_database_has_a_planted_violation_and_an_innocent() -> None:
    known = {name for module in MODULES_WITH_CASES for name in module.CASES} | CASES_BY_HAND.keys()
    assert {check.name for check in CHECKS} <= known


def test_every_shipped_file_has_a_case() -> None:
    assert {file.id for file in shipped()} <= test_catalog.CASES.keys() | test_catalog_server.BY_HAND.keys()
