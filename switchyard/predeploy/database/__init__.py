"""The protocol's database."""

from __future__ import annotations

from dataclasses import replace

from switchyard.predeploy.database import catalog, lint, migrations, orphans, queries, rows, source
from switchyard.predeploy.engine.check import Check

CHECKS: tuple[Check, ...] = tuple(
    replace(each, machines=source.machines)
    for each in (
        *catalog.CHECKS,
        *orphans.CHECKS,
        *rows.CHECKS,
        *migrations.CHECKS,
        *lint.CHECKS,
        *queries.CHECKS,
    )
)
