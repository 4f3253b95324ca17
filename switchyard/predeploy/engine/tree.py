"""The tree that the checks look at: the work tree, or a clean export of a commit, with or without a host."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from switchyard.control import commit_files, compose
from switchyard.control.commit import GIT_WITHIN, Commit, git, read_file
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput, NotChecked
from switchyard.predeploy.engine.host_machine import HostMachine
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings import load as settings
from switchyard.settings.model import Host

STATE = ".switchyard"


@dataclass(frozen=True)
class Tree:
    """A folder with the content of one git tree."""

    top: Path
    app: str
    """The application's folder, relative to ``top``."""
    id: str
    repository: Path
    clean: bool
    """Whether ``top`` is the export of a commit."""
    invoke_yaml: str | None
    """The settings in the application's folder."""


@contextlib.contextmanager
def of_commit(
    host: Host, commit: Commit, env: Mapping[str, str], machines: tuple[HostMachine, ...] = ()
) -> Iterator[Subject]:
    """Build the subject from a clean export of a commit, and delete the export afterwards."""
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        commit_files.export(commit.repository, commit.id, Path(folder))
        invoke_yaml = read_file(commit, "invoke.yaml")
        tree = _tree_id(commit.repository, commit.id)
        yield _subject(
            host, Tree(Path(folder), commit.folder, tree, commit.repository, True, invoke_yaml), env, machines
        )


@contextlib.contextmanager
def at(subject: Subject, commit: str) -> Iterator[Subject]:
    """Build the same subject at another commit, with today's settings and a state folder of its own."""
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder, contextlib.ExitStack() as closing:
        commit_files.export(subject.repository, commit, Path(folder))
        yield replace(
            subject,
            top=Path(folder),
            tree=_tree_id(subject.repository, commit),
            clean=True,
            state=subject.state / "live",
            resolve=lambda: _document(Path(folder), subject.app, subject.env, has_host=subject.host is not None),
            changed=lambda: False,
            closing=closing,
            _once={},
            _ends={},
        )


def of_work_tree(host: Host, env: Mapping[str, str], machines: tuple[HostMachine, ...] = ()) -> Subject:
    """Build the subject from the application's folder as it is now, uncommitted changes included."""
    folder = host.app_folder
    if not folder.is_dir():
        raise BadInput(f"app.path: {folder} is not a folder")
    top = Path(git(folder, "rev-parse", "--show-toplevel").decode().strip())
    file = folder / "invoke.yaml"
    invoke_yaml = file.read_text() if file.exists() else None
    tree = Tree(top, str(folder.relative_to(top)), work_tree(top), top, False, invoke_yaml)
    return replace(_subject(host, tree, env, machines), changed=lambda: work_tree(top) != tree.id)


def work_tree(top: Path) -> str:
    """Return the git tree of everything that git does not ignore. Write nothing to the repository."""
    index, objects = (
        Path(git(top, "rev-parse", "--path-format=absolute", "--git-path", name).decode().strip())
        for name in ("index", "objects")
    )
    with tempfile.TemporaryDirectory(prefix="switchyard-") as name:
        temporary = Path(name)
        if index.exists():
            shutil.copy2(index, temporary / "index")
        (temporary / "objects").mkdir()
        env = {
            "GIT_INDEX_FILE": str(temporary / "index"),
            "GIT_OBJECT_DIRECTORY": str(temporary / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects),
        }
        for words in (["add", "--all"], ["write-tree"]):
            done = subprocess.run(
                ["git", "-C", str(top), *words],
                capture_output=True,
                text=True,
                env={**os.environ, **env},
                timeout=GIT_WITHIN,
                check=False,
            )
            if done.returncode != 0:
                raise BadInput(f"{top}: git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _tree_id(repository: Path, commit: str) -> str:
    return git(repository, "rev-parse", f"{commit}^{{tree}}").decode().strip()


def _subject(host: Host, tree: Tree, env: Mapping[str, str], machines: tuple[HostMachine, ...]) -> Subject:
    app = settings.application(host, tree.invoke_yaml, tree.app)
    return Subject(
        app=app,
        setting=settings.predeploy(host, tree.invoke_yaml),
        top=tree.top,
        repository=tree.repository,
        tree=tree.id,
        clean=tree.clean,
        state=host.checkout / STATE / "checks" / app.name,
        checkout=host.checkout,
        resolve=lambda: _document(tree.top, app, env, has_host=bool(host.name)),
        env=env,
        host=host.name or None,
        entry=host.setting if host.name else None,
        machines=machines,
    )


def _document(top: Path, app: App, env: Mapping[str, str], *, has_host: bool) -> tuple[Document | None, str]:
    """Return the Compose document, or why there is none. Without a host, ``.env.example`` fills in for its env."""
    try:
        return compose.resolve(top, app, env if has_host else {**_examples(top / app.path), **env}), ""
    except (BadInput, NotChecked) as error:
        return None, str(error)


def _examples(folder: Path) -> dict[str, str]:
    """Return the variables of ``.env.example``."""
    file = folder / ".env.example"
    values = compose.env_values(file.read_text(), file.name) if file.is_file() else {}
    return {name: value or "unset" for name, value in values.items()}
