"""The shared project: a deploy brings it up, ``shared.apply`` changes it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import partial

from switchyard.core import commands, names
from switchyard.core.compose_document import Document, pin, services_of, with_services
from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.message import Json
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host import backup, replicas
from switchyard.host.adapters import engine, probe, process
from switchyard.host.adapters.contained import lay
from switchyard.host.adapters.files import read_document, read_object, read_words, write, write_json
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.neighbours import refuse_strangers
from switchyard.host.reach import require_own
from switchyard.host.shared_changes import changed_files, changes_to_apply
from switchyard.host.slot_state import SHARED, identity, shared_containers
from switchyard.host.steps import health
from switchyard.host.steps.containers import is_live, keep_running, restoring, resume
from switchyard.host.steps.foundation import lay_foundation
from switchyard.host.steps.restore import restore


def bring_up(attempt: Attempt, colour: str) -> bool:
    """Bring networks, volumes and the shared project up, healthy. What runs already stays as it is.

    Return False where they are not healthy beside a wanted release that is live: then the others are proven too.
    """
    home, record = attempt.store.shared, attempt.wanted.record
    lay_foundation(attempt.store, record)
    document = attempt.store.releases.document(record.id, "shared")
    if document.services:
        write_json(home / "files.json", _lay_files(attempt.store, record))
        refuse_strangers(record.name, document)
        _add_services(attempt, document)
        if not _prove(attempt):
            return False
    keeps_wanted = record.shared_unchanged or is_live(attempt)
    if not keeps_wanted or not (home / "wanted.json").exists():
        write_json(home / "wanted.json", document.raw)
    write(home / "ready", "")
    return True


def _prove(attempt: Attempt) -> bool:
    memory = attempt.memory
    try:
        prove_shared(attempt)
    except probe.Unhealthy as error:
        if not is_live(attempt):
            raise
        memory.failed[SHARED] = memory.reason = str(error)
        return False
    memory.proven[SHARED] = identity(each for each in shared_containers(attempt.request.app) if each.is_running)
    return True


def _add_services(attempt: Attempt, document: Document) -> None:
    """Start the shared services that do not run."""
    path, record = attempt.store.shared / "compose.json", attempt.wanted.record
    images = {service: record.images[service] for service in sorted(document.services)}
    running = services_of(read_object(path))
    write_json(path, with_services(pin(document.raw, images), running))
    for service, image in images.items():
        if service not in running:
            attempt.commands.run(commands.tag(image, names.tag(record.name, service, "shared")))
    listed = partial(shared_containers, attempt.request.app)
    if replicas.lacking(listed(), replicas.of_document(read_document(path), document.services)):
        require_own(attempt.store, attempt.request.app, read_document(path), document.services)
        with restoring(attempt, listed):
            resume(attempt, "shared", listed())
            attempt.commands.run(commands.up_shared(attempt.wanted.target()))


def prove_shared(attempt: Attempt) -> None:
    """Prove every container of the shared project healthy. Raise ``Unhealthy`` where one is not."""
    services = read_document(attempt.store.shared / "compose.json").services
    for container in shared_containers(attempt.request.app):
        service = services.get(container.service)
        keep_running(container.id, service.restart if service else "no")
        health.prove_again(attempt, container)


def _lay_files(store: Store, record: ReleaseRecord, *, replaced: Collection[str] = ()) -> dict[str, str]:
    """Copy the files that shared services mount out of the release. Keep those that are there, unless ``replaced``.

    Return the git object of each file, for files.json.
    """
    home = store.shared
    objects = read_words(home / "files.json")
    for name in record.shared_files:
        if name in objects and os.path.lexists(home / "files" / name) and name not in replaced:
            continue
        objects[name] = record.shared_objects[name]
        (home / "files").mkdir(exist_ok=True)
        lay(store.release(record.id) / "files", home / "files", name, follow=True)
    return objects


def apply(attempt: Attempt, colour: str) -> None:
    """Recreate changed shared services on their volumes. Where one does not get healthy, all of them go back."""
    home, record = attempt.store.shared, attempt.wanted.record
    document = attempt.store.releases.document(record.id, "shared")
    changes = changes_to_apply(attempt.store, record)
    lay_foundation(attempt.store, record)
    refuse_strangers(record.name, document)
    backup.keep(home, changes)
    before = read_object(home / "compose.json")
    after = pin(document.raw, record.images)
    unchanged = services_of(after).keys() - changes
    after = with_services(after, {name: each for name, each in services_of(before).items() if name in unchanged})
    try:
        objects = _lay_files(attempt.store, record, replaced=changed_files(changes))
        _recreate(attempt, after, changes)
    except SwitchyardError as error:
        restore(attempt, error, partial(_go_back, attempt, before, changes))
    write_json(home / "files.json", objects)
    write_json(home / "wanted.json", document.raw)
    backup.forget(home)


def _go_back(attempt: Attempt, document: Mapping[str, Json], changed: Collection[str]) -> None:
    """Put the files of before back, and run the services of before again."""
    backup.put_back(attempt.store.shared)
    _recreate(attempt, document, changed)
    backup.forget(attempt.store.shared)


def _recreate(attempt: Attempt, document: Mapping[str, Json], changed: Collection[str]) -> None:
    """Run the shared project as a document says: recreate the changed services, remove those that it lacks."""
    app, path = attempt.request.app, attempt.store.shared / "compose.json"
    services = Document.decode(document).services
    require_own(attempt.store, app, Document.decode(document), services)
    write_json(path, document)
    for name, service in services.items():
        process.run(["docker", "tag", service.image or "", names.tag(app, name, "shared")])
    for container in shared_containers(app):
        if container.service not in services:
            process.run(["docker", "stop", container.id], tick=attempt.lease.linger)
            engine.remove(container.id)
    compose = partial(commands.compose, names.project(app, "shared"), str(path), "up", "-d")
    recreated = [name for name in changed if name in services]
    if recreated:
        attempt.commands.run(compose("--no-deps", "--force-recreate", *recreated))
    if services:
        attempt.commands.run(compose("--no-recreate"))
    prove_shared(attempt)
