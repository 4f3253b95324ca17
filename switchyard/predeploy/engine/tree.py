"""What the checks look at, made: the work tree, or a clean export of a commit, with or without a host."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from switchyard.control import commit as source
from switchyard.control import compose as resolve
from switchyard.control.channel import Line
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings import load as settings

STATE = ".switchyard"
Others = tuple[tuple[Line, Mapping[str, Any]], ...]
"""Machines of the host beside the first, each with what it said of itself."""


@contextlib.contextmanager
def of_commit(
    host: settings.Host,
    picked: source.Source,
    env: Mapping[str, str],
    line: Line | None,
    facts: Mapping[str, Any],
    others: Others = (),
) -> Iterator[Subject]:
    """A clean export of a commit; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        resolve.export(picked.repository, picked.commit, Path(folder))
        tree = source.git(picked.repository, "rev-parse", f"{picked.commit}^{{tree}}").decode().strip()
        own = source.show(picked, "invoke.yaml")
        yield _made(
            host,
            Path(folder),
            picked.folder,
            own,
            tree,
            repository=picked.repository,
            clean=True,
            env=env,
            line=line,
            facts=facts,
            others=others,
        )


@contextlib.contextmanager
def at(subject: Subject, commit: str) -> Iterator[Subject]:
    """The same subject at another commit of its repository, with today's settings and a state of its own."""
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder, contextlib.ExitStack() as closing:
        resolve.export(subject.repository, commit, Path(folder))
        tree = source.git(subject.repository, "rev-parse", f"{commit}^{{tree}}").decode().strip()
        yield replace(
            subject,
            top=Path(folder),
            tree=tree,
            clean=True,
            state=subject.state / "live",
            resolve=lambda: _document(Path(folder), subject.app, subject.env, known=subject.host is not None),
            changed=lambda: False,
            fix=False,
            closing=closing,
            _once={},
            _ends={},
        )


def of_work_tree(
    host: settings.Host,
    env: Mapping[str, str],
    line: Line | None,
    facts: Mapping[str, Any],
    others: Others = (),
    *,
    fix: bool,
) -> Subject:
    """The application's folder as it is now, with what is not committed."""
    folder = host.app_folder
    if not folder.is_dir():
        raise BadInput(f"app.path: {folder} is not a folder")
    top = Path(source.git(folder, "rev-parse", "--show-toplevel").decode().strip())
    file = folder / "invoke.yaml"
    own = file.read_text() if file.exists() else None
    path = str(folder.relative_to(top))
    subject = _made(
        host,
        top,
        path,
        own,
        work_tree(top),
        repository=top,
        clean=False,
        env=env,
        line=line,
        facts=facts,
        others=others,
    )
    subject.fix = fix
    subject.changed = lambda: work_tree(top) != subject.tree
    return subject


def work_tree(top: Path) -> str:
    """The git tree of a commit of all that git does not ignore. Writes nothing to the repository."""
    index, objects = (
        Path(source.git(top, "rev-parse", "--path-format=absolute", "--git-path", name).decode().strip())
        for name in ("index", "objects")
    )
    with tempfile.TemporaryDirectory(prefix="switchyard-") as name:
        aside = Path(name)
        if index.exists():
            shutil.copy2(index, aside / "index")
        (aside / "objects").mkdir()
        own = {
            "GIT_INDEX_FILE": str(aside / "index"),
            "GIT_OBJECT_DIRECTORY": str(aside / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects),
        }
        for words in (["add", "--all"], ["write-tree"]):
            done = subprocess.run(
                ["git", "-C", str(top), *words],
                capture_output=True,
                text=True,
                env={**os.environ, **own},
                timeout=source.GIT_WITHIN,
                check=False,
            )
            if done.returncode != 0:
                raise BadInput(f"{top}: git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _made(
    host: settings.Host,
    top: Path,
    path: str,
    own: str | None,
    tree: str,
    *,
    repository: Path,
    clean: bool,
    env: Mapping[str, str],
    line: Line | None,
    facts: Mapping[str, Any],
    others: Others,
) -> Subject:
    app = settings.application(host, own, path)
    return Subject(
        app=app,
        setting=settings.predeploy(host, own),
        top=top,
        repository=repository,
        tree=tree,
        clean=clean,
        state=host.checkout / STATE / "checks" / app.name,
        checkout=host.checkout,
        resolve=lambda: _document(top, app, env, known=bool(host.name)),
        env=env,
        host=host.name or None,
        entry=host.setting if host.name else None,
        line=line,
        facts=facts,
        others=others,
    )


def _document(top: Path, app: App, env: Mapping[str, str], *, known: bool) -> tuple[Document | None, str]:
    """The compose document, or why there is none. Where no host's env is known, examples stand in for it."""
    try:
        return resolve.resolve(top, app, env if known else {**_examples(top / app.path), **env}), ""
    except (BadInput, NotChecked) as error:
        return None, str(error)


def _examples(folder: Path) -> dict[str, str]:
    """The variables of ``.env.example``, where no host says what they are."""
    file = folder / ".env.example"
    values = resolve.env_values(file.read_text()) if file.is_file() else {}
    return {name: value or "unset" for name, value in values.items()}
