"""The host takes no tree but the one that predeploy checked, and writes down what was let through."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from switchyard.core.errors import Refused
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.receive import _require_checked


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    store = Store(tmp_path / "root")
    store.prepare()
    git(tmp_path, "init", "--quiet", "--bare", str(store.repo))
    git(tmp_path, "init", "--quiet", "work")
    for number in ("1", "2"):
        (tmp_path / "work" / "file").write_text(number)
        git(tmp_path / "work", "add", "--all")
        git(tmp_path / "work", "commit", "--quiet", "--message", number)
    git(tmp_path / "work", "push", "--quiet", str(store.repo), "HEAD:refs/heads/all")
    folder = store.attempts / "one"
    folder.mkdir()
    return Attempt(store, folder, {"verb": "deploy", "app": "shop", "attempt": "one"})


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def header(attempt: Attempt, checked: str | None, overridden: str = "") -> dict[str, Any]:
    commit = git(attempt.store.repo, "rev-parse", "all")
    checks = (
        None if checked is None else {"tree": git(attempt.store.repo, "rev-parse", checked), "overridden": overridden}
    )
    return {"id": "release", "commit": commit, "checks": checks}


def test_the_tree_that_was_checked_goes_on(attempt):
    _require_checked(attempt, header(attempt, "all^{tree}"))
    assert attempt.store.journal.read() == ([], [])


@pytest.mark.parametrize("checked", ["all~1^{tree}", None])
def test_another_tree_or_none_is_refused(attempt, checked):
    with pytest.raises(Refused, match="its result is of another tree"):
        _require_checked(attempt, header(attempt, checked))


def test_a_way_back_needs_no_check(attempt):
    attempt.request["back"] = True
    _require_checked(attempt, header(attempt, None))


def test_what_was_let_through_stands_in_the_journal_with_its_reason(attempt):
    _require_checked(attempt, header(attempt, "all^{tree}", "without lint (a hot fix)"))
    (entry,), problems = attempt.store.journal.read()
    assert (entry.step, entry.what, entry.why, problems) == (
        "predeploy",
        "overridden",
        "without lint (a hot fix)",
        [],
    )
