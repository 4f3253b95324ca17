"""Types: the modules that the settings name."""

from __future__ import annotations

import pytest

from switchyard.predeploy.code import types
from switchyard.predeploy.engine.result import SKIPPED
from tests.harness.predeploy_case import Case, checked, holds, seen

CASES: dict[str, tuple[Case, Case]] = {
    "types": (
        Case(
            "fail",
            {"shop/price.py": "def after(price: int) -> int:\n    return str(price)\n"},
            rule="return-value",
            says="Incompatible return value type",
        ),
        Case(
            files={
                "shop/price.py": "from shop.wrong import number\n\n\ndef after() -> int:\n    return number\n",
                "shop/wrong.py": "number: int = 1\nwrong: int = 'a module that the settings do not name'\n",
            },
            says="1 files of shop/price.py, mypy",
        ),
    ),
}
"""A violation that the check finds, and an innocent that looks like one."""


UNKNOWN: dict[str, Case] = {
    "a file that cannot be parsed has no types": Case(
        files={"shop/price.py": "def f(:\n"}, says="mypy could not check: shop/price.py:1"
    ),
}


def test_it_finds_what_is_planted(checkout, tmp_path):
    holds(CASES["types"][0], checked("types", CASES["types"][0], checkout, tmp_path))


def test_it_leaves_alone_what_only_looks_wrong(checkout, tmp_path):
    holds(CASES["types"][1], checked("types", CASES["types"][1], checkout, tmp_path))


@pytest.mark.parametrize("title", UNKNOWN)
def test_it_never_passes_where_it_cannot_look(title, checkout, tmp_path):
    check = checked("types", UNKNOWN[title], checkout, tmp_path)
    assert check["outcome"] == "unknown", check["screen"]
    assert UNKNOWN[title].says in seen(check)


def test_without_modules_it_is_skipped_and_names_the_setting(subject):
    result = types.CHECK.run(subject)
    assert result.outcome == SKIPPED and "app.predeploy.modules" in result.reason
