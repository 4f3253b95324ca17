"""Deadcode: what nothing can reach or use."""

from __future__ import annotations

import pytest

from switchyard.predeploy.code import deadcode
from switchyard.predeploy.code.sources import NO_SOURCES
from switchyard.predeploy.engine.result import SKIPPED
from tests.harness.predeploy_case import FILES, Case, checked, holds, python, seen

CASES: dict[str, tuple[Case, Case]] = {
    "deadcode": (
        Case(
            "fail",
            {"shop/price.py": "def f(x: int) -> int:\n    return x\n    print(x)\n"},
            rule="unreachable-code",
            says="unreachable code after 'return'",
        ),
        Case(
            files={
                "shop/price.py": python("""
                    from __future__ import annotations

                    from typing import TYPE_CHECKING

                    if TYPE_CHECKING:
                        from os import PathLike


                    def name_that_nobody_calls(path: PathLike[str], *_: object) -> str:
                        return str(path)
                """),
                "shop/more.py": "import unused\n",
                "allowed.py": "import unused\n\nunused\n",
            },
            setting={"allowlist": "allowed.py"},
            says="allowed by allowed.py",
        ),
    ),
}
"""A violation that the check finds, and an innocent that looks like one."""


UNKNOWN: dict[str, Case] = {
    "a source without Python is no search for dead code": Case(
        files={"docs/x.txt": "x"}, setting={"sources": ["docs"]}, says="no Python file in docs"
    ),
    "a missing allowlist is none": Case(
        setting={"allowlist": "gone.py"}, says="app.predeploy.allowlist: gone.py does not exist"
    ),
}


def test_it_finds_what_is_planted(checkout, tmp_path):
    holds(CASES["deadcode"][0], checked("deadcode", CASES["deadcode"][0], checkout, tmp_path))


def test_it_leaves_alone_what_only_looks_wrong(checkout, tmp_path):
    holds(CASES["deadcode"][1], checked("deadcode", CASES["deadcode"][1], checkout, tmp_path))


@pytest.mark.parametrize("title", UNKNOWN)
def test_it_never_passes_where_it_cannot_look(title, checkout, tmp_path):
    check = checked("deadcode", UNKNOWN[title], checkout, tmp_path)
    assert check["outcome"] == "unknown", check["screen"]
    assert UNKNOWN[title].says in seen(check)


def test_code_that_the_application_tells_vulture_to_leave_out_is_looked_at_and_that_is_told(checkout, tmp_path):
    dead = "def after(price: int) -> int:\n    return price\n    print(price)\n"
    own = FILES["pyproject.toml"] + '\n[tool.vulture]\nexclude = ["shop/"]\nmake_whitelist = true\n'
    app = checkout.application(tmp_path, Case(files={"shop/price.py": dead, "pyproject.toml": own}))
    check = checkout.checks(app, "deadcode")["deadcode"]
    assert [each["rule"] for each in check["findings"]] == ["unreachable-code"], check["screen"]
    assert "2 files at a confidence of 80 %, without exclude, make_whitelist of [tool.vulture]" in check["reason"]


def test_without_sources_it_is_skipped_and_names_the_setting(subject):
    result = deadcode.CHECK.run(subject)
    assert (result.outcome, result.reason) == (SKIPPED, NO_SOURCES)
