"""The protocol's database."""

from __future__ import annotations

from switchyard.checks.check import Check
from switchyard.checks.database import catalog, lint, migrations, orphans, queries, rows

CHECKS: tuple[Check, ...] = (
    *catalog.CHECKS,
    *orphans.CHECKS,
    *rows.CHECKS,
    *migrations.CHECKS,
    *lint.CHECKS,
    *queries.CHECKS,
)
