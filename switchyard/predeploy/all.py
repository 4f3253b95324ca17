"""Every check, in the protocol's order."""

from __future__ import annotations

from switchyard.predeploy import configuration
from switchyard.predeploy.code import tools as code
from switchyard.predeploy.configuration import compose_lint as compose
from switchyard.predeploy.configuration import secret_scan as secrets
from switchyard.predeploy.database import all as database
from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.tests import suites

CHECKS: tuple[Check, ...] = (
    *code.CHECKS,
    *secrets.CHECKS,
    *compose.CHECKS,
    *suites.CHECKS,
    *database.CHECKS,
    *configuration.CHECKS,
)
