"""Every check of the group has a violation that it finds and an innocent that looks like one."""

from __future__ import annotations

from switchyard.predeploy.code.all import CHECKS
from tests.predeploy.code import test_audit, test_deadcode, test_lint, test_types


def test_every_check_has_both():
    modules = (test_lint, test_deadcode, test_types, test_audit)
    assert {check.name for check in CHECKS} == {name for module in modules for name in module.CASES}
