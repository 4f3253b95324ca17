"""The tree that the checks look at: the work tree, or a clean export of a commit, with or without a host."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from switchyard.control import commit_files, compose, work_tree
from switchyard.control.allowances import allowances_of
from switchyard.control.commit import Commit, read_file
from switchyard.control.compose_reads import leads_out
from switchyard.control.env_files import env_files_of
from switchyard.control.git import top_of
from switchyard.control.waivers import waivers_of
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput, NotChecked
from switchyard.core.wire.allowance import Allowance
from switchyard.predeploy.engine.host_machine import HostMachine
from switchyard.predeploy.engine.subject import Subject
from switchyard.settings import load as settings
from switchyard.settings.env import named_texts
from switchyard.settings.model import Host
from switchyard.settings.yaml_file import read_text

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
        files = commit_files.export(commit.repository, commit.id, Path(folder))
        invoke_yaml = read_file(commit, "invoke.yaml")
        tree = Tree(Path(folder), commit.folder, files.tree, commit.repository, True, invoke_yaml)
        yield _subject(host, tree, env, machines)


@contextlib.contextmanager
def at(subject: Subject, commit: str) -> Iterator[Subject]:
    """Build the same subject at another commit, with today's settings and a state folder of its own."""
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder, contextlib.ExitStack() as closing:
        files = commit_files.export(subject.repository, commit, Path(folder))
        yield replace(
            subject,
            top=Path(folder),
            tree=files.tree,
            clean=True,
            state=subject.state / "live",
            resolve=lambda: _document(Path(folder), subject.app, subject.env, subject.named, subject.host),
            changed=lambda: False,
            closing=closing,
            _once={},
            _ends={},
        )


def of_work_tree(host: Host, env: Mapping[str, str], machines: tuple[HostMachine, ...] = ()) -> Subject:
    """Build the subject from the application's folder as it is now, uncommitted changes included."""
    folder = host.app_folder
    top = top_of(folder)
    file = folder / "invoke.yaml"
    if leads_out(file, top):
        raise BadInput(f"{file} leads out of the repository. Put the file itself in its place")
    invoke_yaml = read_text(file) if file.exists() else None
    tree = Tree(top, str(folder.relative_to(top)), work_tree.tree(top), top, False, invoke_yaml)
    return replace(_subject(host, tree, env, machines), changed=lambda: work_tree.tree(top) != tree.id)


def _subject(host: Host, tree: Tree, env: Mapping[str, str], machines: tuple[HostMachine, ...]) -> Subject:
    app = settings.application(host, tree.invoke_yaml, tree.app)
    named = named_texts(host)
    ships = work_tree.names(tree.top) if host.name and not tree.clean else None
    return Subject(
        app=app,
        setting=settings.predeploy(host, tree.invoke_yaml),
        top=tree.top,
        repository=tree.repository,
        tree=tree.id,
        clean=tree.clean,
        state=host.checkout / STATE / "checks" / app.name,
        checkout=host.checkout,
        waivers=waivers_of(host),
        allowances=allowances_of(host, tree.invoke_yaml, _answers(machines)),
        resolve=lambda: _document(tree.top, app, env, named, host.name, ships),
        env=env,
        named=named,
        host=host.name or None,
        entry=host.setting if host.name else None,
        machines=machines,
    )


def _answers(machines: tuple[HostMachine, ...]) -> list[Allowance]:
    """Return what each machine that answers allows."""
    return [machine.answer.allowed for machine in machines if not isinstance(machine.answer, NotChecked)]


def _document(
    top: Path,
    app: App,
    env: Mapping[str, str],
    named: Mapping[str, str],
    host: str | None,
    ships: Collection[str] | None = None,
) -> tuple[Document | None, str]:
    """Return the Compose document, or why there is none. Without a host, ``.env.example`` fills in for its env."""
    try:
        values = env if host else {**_examples(top, app), **env}
        env_files = env_files_of(top, app, values, named, host or "", ships)
        return compose.resolve(top, app, values, env_files), ""
    except (BadInput, NotChecked) as error:
        return None, str(error)


def _examples(top: Path, app: App) -> dict[str, str]:
    """Return the variables of ``.env.example``."""
    values = compose.env_values_of(top / app.path / ".env.example", top)
    return {name: value or "unset" for name, value in values.items()}
