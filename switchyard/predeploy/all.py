"""Every check, in the protocol's order."""

from __future__ import annotations

from switchyard.predeploy.code import all as code
from switchyard.predeploy.configuration import all as configuration
from switchyard.predeploy.configuration import compose_lint, secret_scan
from switchyard.predeploy.database import all as database
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.tests import all as tests

CHECKS: tuple[Check, ...] = (
    *code.CHECKS,
    secret_scan.CHECK,
    compose_lint.CHECK,
    *tests.CHECKS,
    *database.CHECKS,
    *configuration.CHECKS,
)
