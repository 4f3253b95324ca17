"""The application's migrations as files, of the tree and of commits."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard.core.app import App, Migrations
from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.migration_files import migration_files, paths_at, text_at
from switchyard.predeploy.engine.subject import Subject


@pytest.fixture
def application(subject: Subject, tmp_path: Path) -> Subject:
    """Return a subject with two migrations in its only commit, whose folder is ``shop``."""
    (tmp_path / "shop" / "db").mkdir(parents=True)
    for name in ("V10__b.sql", "V9__a.sql", "notes.txt"):
        (tmp_path / "shop" / "db" / name).write_text(name)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    return replace(subject, app=App("shop", path="shop", migrations=Migrations("db", files="db/*.sql")))


def test_files_follow_each_other_by_the_value_of_their_versions(application: Subject) -> None:
    files = migration_files(application)
    assert files is not None
    assert (
        [file.path for file in files] == ["db/V9__a.sql", "db/V10__b.sql"] == paths_at(application, "HEAD", "db/*.sql")
    )
    assert text_at(application, "HEAD", "db/V9__a.sql") == "V9__a.sql"


def test_a_commit_that_this_clone_lacks_is_named(application: Subject) -> None:
    with pytest.raises(NotChecked, match="this clone does not have the commit ffffffffff: git fetch it"):
        paths_at(application, "f" * 40, "db/*.sql")


def test_settings_that_build_nothing_say_what_to_set(subject: Subject) -> None:
    with pytest.raises(NotChecked, match=r"set app\.migrations\.files"):
        migration_files(subject)
