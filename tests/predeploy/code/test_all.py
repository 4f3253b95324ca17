"""Every check of the group has a violation that it finds and an innocent that looks like one."""

from __future__ import annotations

import importlib
from pathlib import Path

from switchyard.predeploy.code.all import CHECKS


def test_every_check_has_both():
    names = [path.stem for path in Path(__file__).parent.glob("test_*.py")]
    modules = [importlib.import_module(f"tests.predeploy.code.{name}") for name in names]
    assert {check.name for check in CHECKS} == {name for module in modules for name in getattr(module, "CASES", {})}
