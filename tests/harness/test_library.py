"""The harnesses run the verbs of the tree that the environment names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness import command_line, library
from tests.harness.predeploy_application import Application


@pytest.fixture
def other_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a tree whose every verb says where it comes from."""
    package = tmp_path / "other" / "switchyard"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "tasks.py").write_text("def here(path):\n    raise SystemExit('verbs of the other tree')\n")
    monkeypatch.setenv(library.VARIABLE, str(package.parent))
    return package.parent


def test_a_named_tree_comes_before_everything_else(other_tree: Path) -> None:
    assert library.python_path("a", Path("b")) == os.pathsep.join([str(other_tree), "a", "b"])


@pytest.mark.parametrize("named", [None, ""])
def test_without_a_name_the_verbs_are_those_of_this_tree(named: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(library.VARIABLE, raising=False)
    if named is not None:
        monkeypatch.setenv(library.VARIABLE, named)
    assert library.tree() == library.TOP


def test_the_command_lines_of_the_harness_run_the_named_tree(other_tree: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    assert "verbs of the other tree" in command_line.inv(command_line.checkout(checkout), "--list").stderr
    folder = tmp_path / "application"
    folder.mkdir()
    assert "verbs of the other tree" in Application(folder).predeploy("audit").text
