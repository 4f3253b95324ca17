"""The checks of the group "tests", in the protocol's order."""

from __future__ import annotations

from switchyard.predeploy.engine.check import Check
from switchyard.predeploy.tests import coverage, suite

CHECKS: tuple[Check, ...] = (suite.UNIT, suite.SMOKE, suite.INTEGRATION, coverage.CHECK)
