"""The images that a release runs and does not build: chosen when it is received, and pinned from then on."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from switchyard.core import commands, edge, image_names
from switchyard.core.errors import SwitchyardError
from switchyard.core.pull_policy import Answer, Policy, asks, choose, strictest
from switchyard.core.wire.release import Pin, ReleaseRecord
from switchyard.host.adapters import engine, process, registry
from switchyard.host.adapters.files import read_document
from switchyard.host.adapters.store import Store
from switchyard.host.command_runner import CommandRunner

Strange: TypeAlias = Callable[[str], str]
"""Returns why the image that is here under a name must not be used; an empty text where it may."""
ANSWER_WITHIN = 5.0
"""Seconds in which registries must answer a deploy, all of them side by side."""
SHORT = 19
"""Characters of a digest or an id that a person reads."""


class Needed(NamedTuple):
    """The images of one release that no build of it makes."""

    pulls: Mapping[str, str]
    """Service to the image that it names."""
    policies: Mapping[str, str]
    """Service to its ``pull_policy``."""
    kept: Mapping[str, str]
    """Service to the id of the image that it stays on."""


class _Image(NamedTuple):
    """An image to choose, and what is known of it before a registry is asked."""

    name: str
    services: tuple[str, ...]
    policy: Policy
    here: str | None
    """The id of the one that is here and may be used."""
    strange: str
    """Why the one of this name that is here must not be used; empty where it may."""
    answered: float | None
    """When its registry answered last, in seconds since the epoch."""
    user: str = ""
    """Who needs it, where that is no service."""

    @property
    def subject(self) -> str:
        services = f"service{'s' if len(self.services) > 1 else ''} {', '.join(self.services)}"
        return f"{self.user or services}: {self.name}"


@dataclass
class Chosen:
    """What a release will run."""

    pins: dict[str, Pin] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What people should know, in sentences."""
    problems: list[str] = field(default_factory=list)
    moves: bool = False
    """Whether the name of an image leads to another image than the one that the live release runs."""


NO_IMAGES = Chosen()
"""Of a release that builds everything."""


def needed_images(
    store: Store, verb: str, pulls: Mapping[str, str], policies: Mapping[str, str], shared: Collection[str]
) -> Needed:
    """Return what a verb needs: a deploy leaves the shared services that run on theirs, an apply is for its own."""
    if verb == "shared.apply":
        return Needed({service: image for service, image in pulls.items() if service in shared}, policies, {})
    if verb == "edge.apply":
        return Needed({}, {}, {})
    kept = {service: image for service, image in shared_images(store).items() if service in shared}
    return Needed(pulls, policies, kept)


def shared_images(store: Store) -> dict[str, str]:
    """Return the image of each service of the shared project that is here, by its id."""
    services = read_document(store.shared / "compose.json").services
    images = {name: service.image for name, service in services.items() if service.image}
    return {name: image for name, image in images.items() if engine.image_id(image) is not None}


def images_of_commit(store: Store, commit: str, pulls: Mapping[str, str]) -> dict[str, str]:
    """Return what the newest release of a commit ran that is still here: a way back takes the same images."""
    record = next((each for each in store.releases.records() if each.commit == commit and each.images), None)
    if record is None:
        return {}
    same = {name: image for name, image in record.images.items() if record.pulls.get(name) == pulls.get(name, "")}
    return {name: image for name, image in same.items() if engine.image_id(image) is not None}


def choose_images(
    store: Store,
    needed: Needed,
    live: ReleaseRecord | None,
    *,
    strange: Strange,
    within: float = ANSWER_WITHIN,
    tick: Callable[[], None] = lambda: None,
) -> Chosen:
    """Ask registries by the policies of the services, side by side, and choose an image for each service.

    One that is ``strange`` counts as absent: only a registry, or the operator, says that it is the right one.
    """
    chosen = Chosen({service: Pin(image) for service, image in needed.kept.items()})
    images = _images(needed, live, _known_answers(store.releases.records()), strange)
    now = time.time()
    to_ask = [
        image.name
        for image in images
        if asks(image.policy, image.name, is_here=image.here is not None, answered=image.answered, now=now)
    ]
    answers = ask_registries(to_ask, within=within, tick=tick)
    for image in images:
        _add(chosen, image, answers.get(image.name), now, live)
    return chosen


def choose_edge(strange: Strange, *, within: float = ANSWER_WITHIN, tick: Callable[[], None] = lambda: None) -> Chosen:
    """Choose the image of the edge as that of a service without a policy."""
    answers = ask_registries([edge.IMAGE], within=within, tick=tick)
    reason = strange(edge.IMAGE)
    here = None if reason else engine.image_id(edge.IMAGE)
    image = _Image(edge.IMAGE, ("edge",), Policy.parse(""), here, reason, None, "the edge")
    chosen = Chosen()
    _add(chosen, image, answers[edge.IMAGE], time.time(), None)
    return chosen


def ask_registries(images: Iterable[str], *, within: float, tick: Callable[[], None]) -> dict[str, Answer]:
    """Ask the registry of each image, all of them side by side."""
    names = list(images)
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        running = {name: pool.submit(registry.ask, name, within=within) for name in names}
        while wait(running.values(), timeout=process.TICK_EVERY).not_done:
            tick()
    return {name: each.result() for name, each in running.items()}


def require_image(name: str) -> str:
    """Return the id of an image. Raise where it is not here."""
    image_id = engine.image_id(name)
    if image_id is None:
        raise SwitchyardError(f"image {name} is not here after its build or pull")
    return image_id


def fetch(runner: CommandRunner, name: str, pin: str) -> str:
    """Pull a pinned image that is not here, let its name lead to it, and return its id."""
    image = engine.image_id(pin)
    if image is None:
        runner.run(commands.pull(pin))
        image = require_image(pin)
    if follows(name, pin) and engine.image_id(name) != image:
        runner.run(commands.tag(image, name))
    return image


def follows(name: str, pin: str) -> bool:
    """Return whether the name of an image moves with its pin, as it does when Docker pulls by the name."""
    return bool(image_names.digest(pin)) and not image_names.digest(name)


def moved(pins: Mapping[str, Pin], images: Mapping[str, str]) -> list[str]:
    """Return the services whose pin is another image than the one in ``images``."""
    both = {service: pin for service, pin in pins.items() if service in images}
    return [service for service, pin in both.items() if engine.image_id(pin.image) != images[service]]


def _images(needed: Needed, live: ReleaseRecord | None, answers: Mapping[str, float], strange: Strange) -> list[_Image]:
    """Return the images to choose, each once, however many services name it in whatever spelling."""
    users: dict[str, list[str]] = {}
    for service, name in needed.pulls.items():
        if service not in needed.kept:
            users.setdefault(image_names.canonical(name), []).append(service)
    images = []
    for canonical, services in users.items():
        name = needed.pulls[services[0]]
        policy = strictest(Policy.parse(needed.policies.get(service, "")) for service in services)
        reason = strange(name)
        here = None if reason else _image_here(name, services, live)
        images.append(_Image(name, tuple(services), policy, here, reason, answers.get(canonical)))
    return images


def _image_here(image: str, services: Iterable[str], live: ReleaseRecord | None) -> str | None:
    """Return the id of an image that is here under its name, else the one that the live release runs as it."""
    image_id = engine.image_id(image)
    if image_id is not None or live is None:
        return image_id
    same = (name for name in services if live.pulls.get(name) == image and name in live.images)
    return next((live.images[name] for name in same if engine.image_id(live.images[name]) is not None), None)


def _known_answers(records: Iterable[ReleaseRecord]) -> dict[str, float]:
    """Return when a registry named each image last, by canonical name."""
    answers: dict[str, float] = {}
    for record in records:
        for service, pin in record.pins.items():
            if pin.answered is not None and service in record.pulls:
                name = image_names.canonical(record.pulls[service])
                answers[name] = max(answers.get(name, 0.0), pin.answered)
    return answers


def _add(chosen: Chosen, image: _Image, answer: Answer | None, now: float, live: ReleaseRecord | None) -> None:
    """Choose an image and add it for the services that name it."""
    choice = choose(image.policy, image.name, answer, is_here=image.here is not None, strange=image.strange)
    if choice.problem:
        chosen.problems.append(f"{image.subject}: {choice.problem}")
        return
    if choice.note:
        chosen.notes.append(f"{image.subject}: {choice.note}")
    if choice.digest:
        pin = Pin(image_names.with_digest(image.name, choice.digest), now)
    else:
        here = image.here or ""
        pin = Pin(_by_digest(image.name, here) or here, image.answered)
    moves = list(_moves(image, pin, live))
    chosen.moves |= bool(moves)
    chosen.notes += moves
    chosen.pins.update(dict.fromkeys(image.services, pin))


def _by_digest(image: str, image_id: str) -> str:
    """Return the name by digest that an image here has in the repository of ``image``; empty where it has none."""
    names = engine.image_digests(image_id)
    return next((name for name in names if image_names.with_digest(image, image_names.digest(name)) == name), "")


def _moves(image: _Image, pin: Pin, live: ReleaseRecord | None) -> Iterator[str]:
    """Yield that an image's name leads to another image than the one that runs."""
    running = [live.images[name] for name in image.services if live is not None and name in live.images]
    if running and engine.image_id(pin.image) != running[0]:
        before = image_names.digest(_by_digest(image.name, running[0])) or running[0]
        yield f"{image.subject} moves from {before[:SHORT]} to {(image_names.digest(pin.image) or pin.image)[:SHORT]}"
