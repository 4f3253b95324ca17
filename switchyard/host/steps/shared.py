"""Networks, volumes and the shared project: brought up by a deploy, changed by ``shared.apply``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from switchyard.core import commands, names
from switchyard.core.compose_document import Document, pin, services_of, with_services
from switchyard.core.errors import (
    SwitchyardError,
)
from switchyard.core.wire.message import Json
from switchyard.host import backup as aside
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.files import read_document, read_object, read_words, write, write_json
from switchyard.host.attempt import Attempt
from switchyard.host.neighbours import refuse_strangers
from switchyard.host.receive import shared_changes
from switchyard.host.steps import containers as slots
from switchyard.host.steps import health
from switchyard.host.steps.restore import go_back


def shared(attempt: Attempt, colour: str | None) -> None:
    """Networks, volumes and the shared project, up and healthy; what runs already is left alone."""
    store, app = attempt.store, attempt.app
    make_ground(attempt)
    wanted = store.releases.document(attempt.release, "shared")
    services = sorted(wanted.services)
    if services:
        write_json(store.shared / "files.json", lay_files(attempt))
        refuse_strangers(app.name, wanted)
        ids = {name: attempt.record.images[name] for name in services}
        running = services_of(read_object(store.shared / "compose.json"))
        write_json(store.shared / "compose.json", with_services(pin(wanted.raw, ids), running))
        for name in services:
            if name not in running:
                attempt.run(commands.tag(ids[name], names.tag(app.name, name, "shared")))
        attempt.run(commands.up_shared(attempt.target()))
        prove_shared(attempt)
    if not (store.shared / "wanted.json").exists() or not attempt.record.shared_unchanged:
        write_json(store.shared / "wanted.json", wanted.raw)
    write(store.shared / "ready", "")


def make_ground(attempt: Attempt) -> None:
    """Networks, volumes and folders that are not here yet."""
    app = attempt.app.name
    for one in names.COLOURS:
        name = names.network(app, one)
        if not engine.has_network(name) and not engine.create_network(name, app):
            raise SwitchyardError(
                f"the engine could not make network {name}: it has most likely no free range of addresses left. "
                "Remove networks that nothing uses (docker network ls), or give it more in "
                "/etc/docker/daemon.json (default-address-pools)"
            )
    for volume in attempt.record.volumes:
        if not engine.has_volume(volume):
            engine.create_volume(volume, app)
    for name in attempt.record.data:
        (attempt.store.root / "data" / name).mkdir(parents=True, exist_ok=True, mode=0o755)


def prove_shared(attempt: Attempt) -> None:
    """Every container of the shared project healthy; raises ``Unhealthy`` with the reason."""
    project = names.project(attempt.app.name, "shared")
    services = read_document(attempt.store.shared / "compose.json").services
    for container in engine.containers(f"com.docker.compose.project={project}"):
        service = services.get(container.service)
        slots.keep_up(container.id, service.restart if service else "no")
        health.prove_again(attempt, container)


def lay_files(attempt: Attempt, *, again: frozenset[str] = frozenset()) -> dict[str, str]:
    """Files that shared services mount, out of the release; one that is there stays, unless named ``again``.

    Returns which objects of git they are, for files.json.
    """
    files = attempt.store.release(attempt.release) / "files"
    known = read_words(attempt.store.shared / "files.json")
    for name in attempt.record.shared_files:
        target = attempt.store.shared / "files" / name
        if name in known and target.exists() and name not in again:
            continue
        known[name] = attempt.record.shared_objects[name]
        aside.lay(files / name, target)
    return known


def changes(attempt: Attempt) -> dict[str, list[str]]:
    store = attempt.store
    applied = read_document(store.shared / "wanted.json")
    wanted = store.releases.document(attempt.release, "shared")
    cut = {name: ["was to be changed when an apply was killed"] for name in aside.left(store.shared)}
    return {**cut, **shared_changes(attempt, applied, wanted, attempt.record.shared_objects)}


def apply_shared(attempt: Attempt, colour: str | None) -> None:
    """Changed shared services made again with their volumes; where one does not get healthy, all goes back."""
    store, home = attempt.store, attempt.store.shared
    wanted = store.releases.document(attempt.release, "shared")
    changed = changes(attempt)
    files = frozenset(key.removeprefix("file ") for keys in changed.values() for key in keys if key[:5] == "file ")
    make_ground(attempt)
    refuse_strangers(attempt.request["app"], wanted)
    aside.keep(home, changed)
    before = read_object(home / "compose.json")
    merged = pin(wanted.raw, attempt.record.images)
    kept = services_of(merged).keys() - changed
    merged = with_services(merged, {name: each for name, each in services_of(before).items() if name in kept})
    try:
        known = lay_files(attempt, again=files)
        _bring_up(attempt, merged, changed)
    except SwitchyardError as error:
        go_back(attempt, home, error, partial(_bring_up, attempt, before, changed))
    write_json(home / "files.json", known)
    write_json(home / "wanted.json", wanted.raw)
    aside.forget(home)


def _shared_containers(attempt: Attempt) -> list[Container]:
    return engine.containers(f"com.docker.compose.project={names.project(attempt.app.name, 'shared')}")


def _bring_up(attempt: Attempt, document: Mapping[str, Json], changed: Collection[str]) -> None:
    """The shared project as a document says: the changed services made again, what it does not have removed."""
    path, services = attempt.store.shared / "compose.json", Document.decode(document).services
    write_json(path, document)
    for name, service in services.items():
        process.run(["docker", "tag", service.image or "", names.tag(attempt.app.name, name, "shared")])
    for container in _shared_containers(attempt):
        if container.service not in services:
            process.run(["docker", "stop", container.id], tick=attempt.linger)
            engine.remove(container.id)
    project, again = names.project(attempt.app.name, "shared"), [name for name in changed if name in services]
    if again:
        attempt.run(commands.compose(project, str(path), "up", "-d", "--no-deps", "--force-recreate", *again))
    if services:
        attempt.run(commands.compose(project, str(path), "up", "-d", "--no-recreate"))
    prove_shared(attempt)
