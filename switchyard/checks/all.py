"""Every check, in the protocol's order."""

from __future__ import annotations

from switchyard.checks import code, compose, configuration, database, secrets, suites
from switchyard.checks.check import Check

CHECKS: tuple[Check, ...] = (
    *code.CHECKS,
    *secrets.CHECKS,
    *compose.CHECKS,
    *suites.CHECKS,
    *database.CHECKS,
    *configuration.CHECKS,
)
