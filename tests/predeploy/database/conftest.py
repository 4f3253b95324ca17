"""Applications with migrations, for the checks that compare them with a database."""

from __future__ import annotations

import pytest

from tests.harness.database_application import Shop
from tests.harness.postgres import ELSEWHERE
from tests.harness.teams import FIRST, ONE_MIGRATION, SECOND

collect_ignore = [] if ELSEWHERE else ["test_pg_stat_statements.py"]
"""Tests of what the wheel's servers do not have."""


@pytest.fixture
def migrated(shop: Shop) -> Shop:
    """Return an application with two migrations. ``APPLIED`` makes a database that has both."""
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    shop.write(migrations__0001_a_sql=FIRST, migrations__0002_b_sql=SECOND)
    return shop


@pytest.fixture
def evolving(shop: Shop) -> Shop:
    """Return an application with one migration, to which a test adds more. ``ONE_APPLIED`` makes its database."""
    shop.settings({}, migrations={"service": "db", "files": "migrations/*.sql"})
    shop.write(migrations__1_sql=ONE_MIGRATION)
    return shop
