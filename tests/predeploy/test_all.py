"""Every check that ``inv predeploy --list`` names, and every file of sql/checks, has been seen to find and to spare."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import FunctionType, ModuleType

TOP = Path(__file__).resolve().parents[2]


def cases() -> dict[str, str]:
    """Each name with the module whose tests plant a violation of it, and an innocent that looks like one."""
    found = {}
    for path in sorted({*TOP.glob("tests/predeploy/**/test_*.py"), *TOP.glob("tests/*/test_predeploy_*.py")}):
        module = importlib.import_module(".".join(path.relative_to(TOP).with_suffix("").parts))
        for name, case in getattr(module, "CASES", {}).items():
            planted, innocent = case
            is_two = planted != innocent and is_case(planted, module) and is_case(innocent, module)
            assert is_two, f"{name} lacks one of the two in {path.name}"
            found[name] = path.stem
        for name, test in getattr(module, "BY_HAND", {}).items():
            assert hasattr(module, test), f"{name}: there is no {test} in {path.name}"
            found[name] = path.stem
    return found


def is_case(case: object, module: ModuleType) -> bool:
    """Whether it is something to try, or a test that pytest finds in the module."""
    if not isinstance(case, FunctionType):
        return bool(case)
    return case.__name__.startswith("test_") and getattr(module, case.__name__, None) is case


def test_each_check_and_each_file_has_a_planted_violation_and_an_innocent_one():
    listed = subprocess.run(
        [sys.executable, "-m", "invoke", "predeploy", "--list"], cwd=TOP, check=True, capture_output=True, text=True
    ).stdout
    rows = [line for line in listed.splitlines() if line.startswith("   ") and line[3:4] != " "]
    checks = {row.split()[0] for row in rows}
    assert {"lint", "unit", "orphans", "env"} <= checks
    tried = cases()
    assert not checks - tried.keys()
    assert not {path.stem for path in (TOP / "sql" / "checks").glob("*.sql")} - tried.keys()
