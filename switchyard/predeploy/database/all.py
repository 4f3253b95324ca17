"""Every check of the database, in the protocol's order."""

from __future__ import annotations

from switchyard.predeploy.database import (
    catalog,
    drift,
    migration_lint,
    migrations,
    old_queries,
    orphans,
    query_time,
    rows,
    sequences,
)
from switchyard.predeploy.engine.check import Check

CHECKS: tuple[Check, ...] = (
    *catalog.CHECKS,
    *orphans.CHECKS,
    *rows.CHECKS,
    *sequences.CHECKS,
    *migrations.CHECKS,
    *drift.CHECKS,
    *migration_lint.CHECKS,
    *old_queries.CHECKS,
    *query_time.CHECKS,
)
