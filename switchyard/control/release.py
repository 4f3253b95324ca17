"""A release before it is sent: what the commit contains, and its split into the documents of a machine."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from switchyard.control import commit_files, completeness, compose, known_secrets
from switchyard.control.builds import image_facts
from switchyard.control.certificates import Certificate, read_certificates
from switchyard.control.commit import Commit, read_file
from switchyard.control.commit_files import CommitFiles
from switchyard.control.env_files import env_files_of
from switchyard.control.objects import missing_objects
from switchyard.control.screen import Screen
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import Refused
from switchyard.core.split import Split, split
from switchyard.core.state_keeping import NO_FACTS, ImageFacts
from switchyard.core.tree_pattern import matches
from switchyard.core.wire.checks import ChecksRecord
from switchyard.core.wire.facts import Facts
from switchyard.core.wire.release import Pack
from switchyard.settings import load
from switchyard.settings.env import named_texts
from switchyard.settings.model import Host


@dataclass(frozen=True)
class CommitContents:
    """What a commit and its host's env determine, whatever the machine."""

    app: App
    commit: Commit
    files: CommitFiles
    document: Document
    """The resolved Compose document."""
    env: str
    """The text of the env file. Secret."""
    variables: Mapping[str, str]
    """The variables of the env. Secret."""
    migrations: tuple[str, ...]
    """The names of the commit's migration files."""
    images: ImageFacts = NO_FACTS
    """What the commit tells of its images."""
    secrets: tuple[str, ...] = ()
    """What is secret of the variables, of the env files beside the env, of the document."""
    notes: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    """Variables of the live release that this one must not have."""
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    """The certificates of its host by their names."""


@dataclass(frozen=True)
class Release:
    """A release that is ready to be sent."""

    id: str
    contents: CommitContents
    split: Split

    @property
    def app(self) -> App:
        return self.contents.app

    @property
    def commit(self) -> Commit:
        return self.contents.commit

    @property
    def document(self) -> Document:
        """The resolved Compose document."""
        return self.contents.document

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of the env. Secret."""
        return self.contents.variables


def application_of(host: Host, commit: Commit) -> App:
    """Return the application's settings from a commit's ``invoke.yaml`` and the checkout's, which wins."""
    return load.application(host, read_file(commit, "invoke.yaml"), commit.folder)


def read_commit(env: str, app: App, commit: Commit, host: Host | None = None) -> CommitContents:
    """Read a clean export of a commit, with the env files that the host's entry names.

    Raise ``Refused`` where a release needs something that the commit lacks.
    """
    certificates = read_certificates(host) if host is not None else {}
    with tempfile.TemporaryDirectory(prefix="switchyard-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        files = commit_files.export(commit.repository, commit.id, folder)
        variables = compose.env_values(env)
        named = named_texts(host) if host is not None else {}
        env_files = env_files_of(folder, app, variables, named, host.name if host is not None else "")
        beside = [compose.env_values(text, name) for name, text in named.items()]
        public = host.setting.public_keys if host is not None else ()
        known_secrets.decide([variables, *beside], None, folder, public=public)
        document = compose.resolve(folder, app, variables, env_files)
        secrets = known_secrets.decide([variables, *beside], document, folder / app.project_folder, public=public)
        problems = completeness.problems(commit.repository, commit.id, document, folder, app)
        images = image_facts(document, folder, app)
        pattern = app.migrations.files if app.migrations is not None else None
        paths = matches(str(folder / app.path), pattern, os.scandir, os.path.realpath) if pattern else ()
        migrations = tuple(sorted(map(os.path.basename, paths)))
        if problems:
            raise Refused("the commit lacks files that its release needs:\n" + "\n".join(problems))
    notes = (*files.notes, *env_files.notes)
    return CommitContents(
        *(app, commit, files, document, env, variables, migrations, images, secrets, notes), certificates=certificates
    )


def prepare_release(contents: CommitContents, facts: Facts, screen: Screen) -> Release:
    """Split a commit's document for a machine, and name the release by the time and the commit."""
    commit = contents.commit
    release = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + commit.id[:7]
    parts = split(
        contents.document,
        app=contents.app,
        release=release,
        root=facts.root,
        tracked=commit_files.tracked(commit.repository, commit.id),
        folder=contents.app.project_folder,
        facts=replace(contents.images, volumes=facts.image_volumes),
    )
    for note in (*contents.notes, *parts.notes):
        screen.say(f"  note: {note}", "dim")
    return Release(release, contents, parts)


def stream(release: Release, checks: ChecksRecord | None, host: Facts) -> bytes:
    """Return what a machine receives: one line of JSON, then the git objects that its repository lacks."""
    first = json.dumps(pack(release, checks).encode()).encode()
    return first + b"\n" + missing_objects(release.commit, release.contents.files, host)


def pack(release: Release, checks: ChecksRecord | None) -> Pack:
    """Return the first line of the stream."""
    parts, contents = release.split, release.contents
    return Pack(
        id=release.id,
        commit=release.commit.id,
        subject=release.commit.subject,
        app=release.app,
        routes=parts.routes,
        kinds={name: kind.kind for name, kind in parts.kinds.items()},
        front=parts.front,
        handover=parts.handover,
        oneshots=parts.oneshots,
        volumes=tuple(sorted(parts.volumes.values())),
        data=parts.data,
        shared_files=parts.shared_files,
        pulls=parts.pulls,
        built_by=parts.built_by,
        pull_policies=parts.pull_policies,
        notes=(*contents.notes, *parts.notes),
        env_keys=tuple(sorted(contents.variables)),
        tree=contents.files.tree,
        large=contents.files.large_ids,
        compose=contents.document.raw,
        colours=parts.colours,
        shared=parts.shared,
        build=parts.build,
        env=contents.env,
        values=contents.secrets,
        checks=checks,
        build_secrets=dict(parts.build_secrets),
        certificates={name: each.text for name, each in contents.certificates.items()},
    )
