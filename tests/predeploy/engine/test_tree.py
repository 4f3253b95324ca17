"""The tree that the checks look at."""

from __future__ import annotations

import contextlib
from pathlib import Path

from switchyard.control.commit import pick_commit
from switchyard.control.work_tree import tree as work_tree
from switchyard.predeploy.code import lint
from switchyard.predeploy.engine import tree
from switchyard.settings import load as settings
from tests.harness.git import git
from tests.harness.predeploy_case import Case, subject_of


def test_the_work_tree_s_tree_is_that_of_its_commit_and_follows_content_alone(repository):
    committed = git(repository, "rev-parse", "HEAD^{tree}")
    assert work_tree(repository) == committed
    (repository / "a").touch()
    (repository / "ignored").write_text("x")
    assert work_tree(repository) == committed
    (repository / "b").write_text("new")
    changed = work_tree(repository)
    assert changed != committed
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "two")
    assert git(repository, "rev-parse", "HEAD^{tree}") == changed


def test_asking_for_the_work_tree_s_tree_writes_nothing_to_the_repository(repository):
    (repository / "b").write_text("new")
    before = listed(repository)
    status = git(repository, "status", "--porcelain")
    work_tree(repository)
    assert listed(repository) == before
    assert git(repository, "status", "--porcelain") == status == "?? b"


def listed(repository: Path) -> set[str]:
    with contextlib.suppress(FileNotFoundError):
        return {str(path) for path in (repository / ".git" / "objects").rglob("*")}
    return set()


def test_a_broken_commit_is_not_saved_by_a_good_work_tree(checkout, tmp_path):
    app = checkout.application(tmp_path, Case(files={"tests/unit/test_more.py": "import os\n"}))
    (app / "tests/unit/test_more.py").write_text("")
    host = settings.nowhere(checkout.folder, str(app))
    assert lint.run(subject_of(checkout, app)).outcome == "pass"
    picked = pick_commit(app, None, allow_dirty=True)
    with tree.of_commit(host, picked, {}) as commit:
        assert lint.run(commit).outcome == "fail"
