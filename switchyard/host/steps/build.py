"""Build or pull the images of a release, check them, and pin its documents to their ids."""

from __future__ import annotations

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
from switchyard.host.command_runner import CommandRunner
from switchyard.host.steps.image_volumes import refuse_unnamed_volumes
from switchyard.host.steps.pip_check import check_dependencies


class Check(Protocol):
    """A command that changes nothing. ``tick`` runs meanwhile; what it raises ends the command."""

    def __call__(self, *, tick: Callable[[], None]) -> tuple[int, str] | None:
        """Run the command. Raise where it fails."""


def build(attempt: Attempt, colour: str) -> None:
    """Build or pull every image, tag it, pin the documents to the images' ids, and check both."""
    store, record = attempt.store, attempt.wanted.record
    document = store.releases.document(record.id, "build")
    kept = _images_that_stay(attempt, document.services)
    for service in sorted(kept):
        attempt.commands.run(commands.tag(kept[service], names.tag(record.name, service, record.id)))
    target = replace(attempt.wanted.target(), builds=stages(document), kept=tuple(sorted(kept)))
    for argv in commands.builds(target):
        attempt.commands.run(argv)
    built = sorted(document.services.keys() - kept)
    images = {service: require_image(names.tag(record.name, service, record.id)) for service in built}
    checks: list[Check] = [
        partial(check_dependencies, store.root, attempt.wanted.log, attempt.events.progress, service, image)
        for image, service in {image: service for service, image in images.items()}.items()
    ]
    images |= kept
    images |= {service: images[maker] for service, maker in record.built_by.items()}
    for service, image in record.pulls.items():
        images[service] = _pull(attempt.commands, image)
        attempt.commands.run(commands.tag(images[service], names.tag(record.name, service, record.id)))
    refuse_unnamed_volumes(store, record, images)
    for one in names.COLOURS:
        path = store.release(record.id) / f"{one}.json"
        checks.append(_pin(path, images, names.project(record.name, one)))
    run_checks(checks, attempt.tick)
    standins = {image for image in record.pulls.values() if names.STANDIN in engine.image_labels(image)}
    store.releases.update(record.id, images=images, standins=tuple(sorted(standins)))


def _images_that_stay(attempt: Attempt, built: Iterable[str]) -> dict[str, str]:
    """Return the images of shared services that are built and run already: only ``shared.apply`` builds them again."""
    if attempt.request.verb == "shared.apply":
        return {}
    running = read_document(attempt.store.shared / "compose.json").services
    images = {name: running[name].image or "" for name in built if name in running}
    return {name: image for name, image in images.items() if engine.image_id(image) is not None}


def _pull(runner: CommandRunner, image: str) -> str:
    """Pull an image that is not here yet. Return its id."""
    if engine.image_id(image) is None:
        runner.run(commands.pull(image))
    return require_image(image)


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


def require_image(name: str) -> str:
    """Return the id of an image. Raise where it is not here."""
    image_id = engine.image_id(name)
    if image_id is None:
        raise SwitchyardError(f"image {name} is not here after its build or pull")
    return image_id
