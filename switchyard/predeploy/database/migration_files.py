"""The application's migrations as files: those of the checked tree, and those of other commits."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TypeAlias

from switchyard.control.git import git
from switchyard.core.errors import NotChecked, SwitchyardError
from switchyard.core.tree_pattern import matches
from switchyard.predeploy.database.migration_version import sort_key
from switchyard.predeploy.database.sql_file import SqlFile, decode_sql, read_sql_file
from switchyard.predeploy.engine.subject import Subject

Migrations: TypeAlias = tuple[SqlFile, ...]
NO_MIGRATIONS = "set app.migrations (service, and files or apply) to check migrations"


def migration_files(subject: Subject) -> Migrations | None:
    """Return the tree's migrations in order; None where a command builds the schema. Raise ``NotChecked``."""
    migrations = subject.app.migrations
    if migrations is None or not (migrations.files or migrations.apply):
        raise NotChecked(
            "the settings do not say how to build the schema: set app.migrations.files (plain SQL, in order) or "
            "app.migrations.apply (a command that reads DATABASE_URL)"
        )
    if not migrations.files:
        return None
    paths = matches(str(subject.folder), migrations.files, os.scandir, os.path.realpath)
    if not paths:
        raise NotChecked(f"app.migrations.files: no file matches {migrations.files}")
    return tuple(read_sql_file(subject.folder, path) for path in sorted(paths, key=sort_key))


def live_migrations(subject: Subject) -> set[str]:
    """Return the paths of the live release's migrations. Raise ``NotChecked`` where this clone lacks its commit."""
    live, migrations = subject.live, subject.app.migrations
    if live is None or migrations is None or not migrations.files:
        return set()
    return set(paths_at(subject, live.commit, migrations.files))


def paths_at(subject: Subject, commit: str, pattern: str) -> list[str]:
    """Return the files of a commit that match a pattern in the application's folder, in order.

    Raise ``NotChecked`` where this clone does not have the commit.
    """
    try:
        listing = git(subject.repository, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit)
    except SwitchyardError:
        raise NotChecked(f"this clone does not have the commit {commit[:10]}: git fetch it") from None
    folder = PurePath(subject.app.path)
    files = [PurePath(name) for name in listing.decode(errors="replace").split("\0") if name]
    relative = [path.relative_to(folder) for path in files if path.is_relative_to(folder)]
    depth = len(PurePath(pattern).parts)
    return sorted((str(path) for path in relative if len(path.parts) == depth and path.match(pattern)), key=sort_key)


def text_at(subject: Subject, commit: str, path: str) -> str:
    """Return the text of a file of a commit. Raise ``NotChecked`` where it is not UTF-8."""
    data = git(subject.repository, "cat-file", "blob", f"{commit}:{PurePath(subject.app.path) / path}")
    return decode_sql(data, f"{path} of {commit[:10]}")
