"""Every check of the group has a violation that it finds and an innocent that looks like one."""

from __future__ import annotations

from switchyard.predeploy.tests.all import CHECKS
from tests.predeploy.tests import test_coverage, test_suite


def test_every_check_has_both():
    modules = (test_suite, test_coverage)
    assert {check.name for check in CHECKS} == {name for module in modules for name in module.CASES}
