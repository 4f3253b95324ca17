"""Lint: rules and layout of the source."""

from __future__ import annotations

import pytest

from tests.harness.predeploy_case import SESSIONS, Case, checked, holds, seen

CASES: dict[str, tuple[Case, Case]] = {
    "lint": (
        Case("fail", {"tests/unit/test_more.py": "import os\n"}, rule="F401", says="`os` imported but unused"),
        Case(
            files={
                "shop/__init__.py": "from shop.price import after\n\n__all__ = ['after']\n",
                "shop/old.py": "import os  # noqa: F401\nx  =  1\n",
            },
            says="rules; no layout is configured",
        ),
    ),
}
"""A violation that the check finds, and an innocent that looks like one."""


UNKNOWN: dict[str, Case] = {
    "a source without Python is no lint": Case(
        files={"docs/x.txt": "x"}, setting={"sources": ["shop", "docs"]}, says="ruff looks at no file of docs"
    ),
    "a source that the configuration excludes is no lint": Case(
        files={"ruff.toml": 'exclude = ["shop"]\n'}, says="ruff looks at no file of shop"
    ),
    "a configuration that ruff cannot read is no lint": Case(files={"ruff.toml": "line-length = x\n"}),
}


def test_it_finds_what_is_planted(checkout, tmp_path):
    holds(CASES["lint"][0], checked("lint", CASES["lint"][0], checkout, tmp_path))


def test_it_leaves_alone_what_only_looks_wrong(checkout, tmp_path):
    holds(CASES["lint"][1], checked("lint", CASES["lint"][1], checkout, tmp_path))


@pytest.mark.parametrize("title", UNKNOWN)
def test_it_never_passes_where_it_cannot_look(title, checkout, tmp_path):
    check = checked("lint", UNKNOWN[title], checkout, tmp_path)
    assert check["outcome"] == "unknown", check["screen"]
    assert UNKNOWN[title].says in seen(check)


def test_layout_counts_where_it_is_configured(checkout, tmp_path):
    app = checkout.application(tmp_path, Case(files={"ruff.toml": "[format]\n", "shop/loose.py": "x  =  1\n"}))
    found = checkout.checks(app, "lint")["lint"]
    assert [(each["rule"], each["place"], each["line"]) for each in found["findings"]] == [
        ("unformatted", "shop/loose.py", 1)
    ]


def test_fix_corrects_the_work_tree_before_it_is_looked_at(checkout, tmp_path):
    app = checkout.application(
        tmp_path, Case(files={"ruff.toml": "[format]\n", "shop/loose.py": "import os\nx  =  1\n"})
    )
    assert checkout.checks(app, "lint", words=("--fix",))["lint"]["outcome"] == "pass"
    assert (app / "shop/loose.py").read_text() == "x = 1\n"


def test_fix_leaves_to_a_session_of_the_application_what_it_stands_for(checkout, tmp_path):
    files = {"noxfile.py": SESSIONS, "shop/loose.py": "import os\n"}
    app = checkout.application(tmp_path, Case(files=files, setting={"sessions": {"lint": "silent"}}))
    assert "nothing is corrected" in checkout.checks(app, "lint", words=("--fix",))["lint"]["screen"]
    assert (app / "shop/loose.py").read_text() == "import os\n"
