"""Receive a release: its commit, files, documents and env."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path

from switchyard.core import edge
from switchyard.core.compose_document import services_of
from switchyard.core.errors import BadInput, Refused, refuse
from switchyard.core.wire import json_text
from switchyard.core.wire.release import Contents, Pack, ReleaseRecord
from switchyard.core.wire.request import Request
from switchyard.host import certificates
from switchyard.host.adapters import engine, release_secrets
from switchyard.host.adapters.files import write, write_json
from switchyard.host.adapters.store import Store
from switchyard.host.admission import Digests, admit, digests_of, live_record
from switchyard.host.attempt import Attempt
from switchyard.host.reach import places_of, reaching
from switchyard.host.release_images import (
    ANSWER_WITHIN,
    Chosen,
    choose_edge,
    choose_images,
    images_of_commit,
    needed_images,
)
from switchyard.host.repository import Repository
from switchyard.host.whose import names_of_others, objects_of_others

APPLIES = ("shared.apply", "edge.apply")


def receive(attempt: Attempt) -> ReleaseRecord | None:
    """Unpack the pack of the attempt, and write its release. A deploy is refused before that, where it must be.

    Return the live release, and write nothing, where that has the same commit, env and settings.
    """
    repository = Repository(attempt.store.repo, attempt.tick)
    pack = _unpack(attempt, repository)
    digests = digests_of(attempt.store, pack)
    images = images_of_pack(attempt.store, attempt.request, pack, tick=attempt.tick)
    if attempt.request.verb == "deploy":
        live = admit(attempt, repository, pack, digests, images)
        if live is not None:
            return live
    else:
        refuse((*images.problems, *_reasons_against_apply(attempt.store, attempt.request, pack)))
    _write_release(attempt, repository, pack, digests, images)
    attempt.wanted.id = pack.id
    for note in images.notes:
        attempt.events.progress(note)
    return None


def _reasons_against_apply(store: Store, request: Request, pack: Pack) -> Iterator[str]:
    """Yield why a commit must not be applied. The edge uses none of its volumes and services."""
    if request.verb == "shared.apply":
        yield from objects_of_others(store, request, pack.volumes, services_of(pack.shared))
        yield from names_of_others(store, request.app, pack.volumes)
    else:
        yield from objects_of_others(store, request, (), ("edge",))
    yield from reaching(store, request.app, pack, request.waivers)


def images_of_pack(
    store: Store,
    request: Request,
    pack: Pack,
    *,
    within: float = ANSWER_WITHIN,
    tick: Callable[[], None] = lambda: None,
) -> Chosen:
    """Choose the images of a release that no build makes, and that of the edge where none runs yet."""
    shared = services_of(pack.shared).keys() & {*pack.pulls, *pack.built_by}
    needed = needed_images(store, request.verb, pack.pulls, pack.pull_policies, shared)
    if request.back:
        needed = needed._replace(kept={**images_of_commit(store, pack.commit, pack.pulls), **needed.kept})
    strange = partial(store.ledger.image_reason, request)
    live = live_record(store, request.app)
    chosen = choose_images(store, needed, live, strange=strange, within=within, tick=tick)
    has_edge = request.verb in APPLIES or store.held_addresses() is not None
    if not has_edge and engine.image_id(edge.IMAGE) is None:
        chosen.problems += choose_edge(strange, within=within, tick=tick).problems
    return chosen


def _unpack(attempt: Attempt, repository: Repository) -> Pack:
    path = attempt.folder / "pack"
    with open(path, "rb") as file:
        pack = Pack.decode(json_text.parse(file.readline()))
        attempt.wanted.expect((*pack.values, *pack.certificates.values()))
        repository.take_in(file, pack.commit, pack.tree, pack.id)
    path.unlink()
    return pack


def _refuse_links(attempt: Attempt, pack: Pack, folder: Path) -> None:
    """Refuse a release whose own links lead out of it, now that they are here to follow."""
    try:
        refuse(reaching(attempt.store, attempt.request.app, pack, attempt.request.waivers))
    except Refused:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write_release(attempt: Attempt, repository: Repository, pack: Pack, digests: Digests, images: Chosen) -> None:
    """Write the folder of a release. Its record comes last: a release without one was not received whole."""
    folder = attempt.store.release(pack.id)
    folder.mkdir(mode=0o700)
    repository.export(pack.tree, folder / "files")
    _refuse_links(attempt, pack, folder)
    write(folder / "env", pack.env)
    if pack.certificates:
        certificates.keep(attempt.store, pack.certificates)
    release_secrets.keep(folder, pack)
    for name, text in pack.build_secrets.items():
        if not name.isdecimal():
            raise BadInput(f"the pack names a secret {name!r}, which is no number")
        write(attempt.store.build_secrets(pack.id) / name, text)
    write_json(folder / "compose.json", pack.compose)
    if pack.checks:
        write_json(folder / "checks.json", pack.checks.encode())
    for name, document in {**pack.colours, "shared": pack.shared, "build": pack.build}.items():
        write_json(folder / f"{name}.json", document)
    attempt.store.releases.write(
        ReleaseRecord(
            **{field.name: getattr(pack, field.name) for field in fields(Contents)},
            name=attempt.request.app,
            number=attempt.store.releases.next_number(),
            state="prepared",
            created=round(time.time(), 3),
            shared=tuple(sorted(services_of(pack.shared))),
            shared_objects={name: repository.object_of(pack.tree, name) for name in pack.shared_files},
            env_digest=digests.env,
            settings=digests.settings,
            shared_unchanged=attempt.request.shared_unchanged,
            received=True,
            pins=images.pins,
            tree=pack.tree,
            large=pack.large,
            places=places_of(pack),
        )
    )
