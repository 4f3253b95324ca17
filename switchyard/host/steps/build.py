"""Build or pull the images of a release, check them, and pin its documents to their ids."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from switchyard.core import commands, names
from switchyard.core.build_order import stages
from switchyard.core.compose_document import pin
from switchyard.core.errors import SwitchyardError
from switchyard.host.adapters import engine, process
from switchyard.host.adapters.files import read_document, read_object, write_json
from switchyard.host.attempt import Attempt
from switchyard.host.release_images import fetch, require_image
from switchyard.host.steps.image_volumes import refuse_unnamed_volumes
from switchyard.host.steps.pip_check import check_dependencies


class Check(Protocol):
    """A command that changes nothing. ``tick`` runs meanwhile; what it raises ends the command."""

    def __call__(self, *, tick: Callable[[], None]) -> tuple[int, str] | None:
        """Run the command. Raise where it fails."""


def build(attempt: Attempt, colour: str) -> None:
    """Pull or build every image, tag it, pin the documents to the images' ids, and check both."""
    store, record = attempt.store, attempt.wanted.record
    images = {}
    for service, chosen in sorted(record.pins.items()):
        name = record.pulls.get(service, "")
        images[service] = fetch(attempt.commands, name, chosen.image)
        store.ledger.take_image(attempt.request, name, images[service])
        attempt.commands.run(commands.tag(images[service], names.tag(record.name, service, record.id)))
    document = store.releases.document(record.id, "build")
    kept = _images_that_stay(attempt, document.services)
    for service in sorted(kept):
        attempt.commands.run(commands.tag(kept[service], names.tag(record.name, service, record.id)))
    target = replace(attempt.wanted.target(), builds=stages(document), kept=tuple(sorted(kept)))
    try:
        for argv in commands.builds(target):
            attempt.commands.run(argv)
    finally:
        shutil.rmtree(store.build_secrets(record.id), ignore_errors=True)
    built = {
        service: require_image(names.tag(record.name, service, record.id))
        for service in sorted(document.services.keys() - kept)
    }
    checks: list[Check] = [
        partial(check_dependencies, store.root, attempt.wanted.log, attempt.events.progress, service, image)
        for image, service in {image: service for service, image in built.items()}.items()
    ]
    images |= {**built, **kept}
    images |= {service: images[maker] for service, maker in record.built_by.items() if service not in record.pins}
    refuse_unnamed_volumes(store, record, images)
    for one in names.COLOURS:
        path = store.release(record.id) / f"{one}.json"
        checks.append(_pin(path, images, names.project(record.name, one)))
    run_checks(checks, attempt.tick)
    pulled = record.pins.keys() & record.pulls.keys()
    standins = {record.pulls[name] for name in pulled if names.STANDIN in engine.image_labels(images[name])}
    store.releases.update(record.id, images=images, standins=tuple(sorted(standins)))


def _images_that_stay(attempt: Attempt, built: Iterable[str]) -> dict[str, str]:
    """Return the images of shared services that are built and run already: only ``shared.apply`` builds them again."""
    if attempt.request.verb == "shared.apply":
        return {}
    running = read_document(attempt.store.shared / "compose.json").services
    images = {name: running[name].image or "" for name in built if name in running}
    return {name: image for name, image in images.items() if engine.image_id(image) is not None}


def _pin(path: Path, images: dict[str, str], project: str) -> Check:
    """Pin a colour's document to images. Return the check that Compose accepts the result."""
    write_json(path, pin(read_object(path), images))
    return partial(process.run, commands.compose(project, str(path), "config", "--quiet"))


def run_checks(checks: Iterable[Check], tick: Callable[[], None]) -> None:
    """Run checks side by side, and raise what the first that fails raises. What ``tick`` raises ends them all."""
    has_ended = threading.Event()

    def tick_of_check() -> None:
        if has_ended.is_set():
            raise SwitchyardError("the attempt of this check has ended")

    with ThreadPoolExecutor() as pool:
        try:
            running = [pool.submit(check, tick=tick_of_check) for check in checks]
            while wait(running, timeout=process.TICK_EVERY).not_done:
                tick()
        except RuntimeError as error:  # a thread that could not be started
            raise SwitchyardError(process.NO_PROCESS.format(program="a check of the build", error=error)) from None
        finally:
            has_ended.set()
    for done in running:
        done.result()
