"""Every check of the database, in the protocol's order."""

from __future__ import annotations

from dataclasses import replace

from switchyard.predeploy.database import (
    catalog,
    migration_lint,
    migrations,
    old_queries,
    orphans,
    rows,
    target_database,
)
from switchyard.predeploy.engine.check import Check

CHECKS: tuple[Check, ...] = tuple(
    replace(each, per_machine=target_database.machines)
    for each in (
        *catalog.CHECKS,
        *orphans.CHECKS,
        *rows.CHECKS,
        *migrations.CHECKS,
        *migration_lint.CHECKS,
        *old_queries.CHECKS,
    )
)
