"""One Compose document becomes what a release runs: the shared project, blue and green, and the images to build.

The edge's document is not among them; ``edge`` makes it. Compose writes each ``$`` of a resolved value twice, which is
what it wants when it loads a generated document again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from switchyard.core import names
from switchyard.core.app import App, Route
from switchyard.core.compose_document import Document
from switchyard.core.errors import BadInput
from switchyard.core.kind_inference import infer
from switchyard.core.kinds import KINDS, Kind, ServiceKind
from switchyard.core.split.documents import build_document, build_secrets, colour_document, shared_document
from switchyard.core.split.images import images_of
from switchyard.core.split.inputs import Inputs
from switchyard.core.split.meeting_names import name_notes
from switchyard.core.split.named_volumes import volume_notes, with_named_volumes
from switchyard.core.split.ports import leave_out
from switchyard.core.split.refusals import refusals
from switchyard.core.split.routes import routes_of
from switchyard.core.split.state import state_of
from switchyard.core.state_keeping import NO_FACTS, ImageFacts
from switchyard.core.wire.message import Json


@dataclass(frozen=True)
class Split:
    """What a release is made of."""

    kinds: Mapping[str, ServiceKind]
    routes: tuple[Route, ...]
    shared: dict[str, Json]
    """The shared project's document."""
    colours: dict[str, dict[str, Json]]
    """Each colour's document."""
    build: dict[str, Json]
    """The document of the images that the host builds."""
    pulls: dict[str, str]
    """Service to the image that it names, where no build of the release makes it."""
    built_by: dict[str, str]
    """Service without a build to the service whose build makes the image that it names."""
    pull_policies: dict[str, str]
    """Service to its ``pull_policy``, where it pulls its image and sets one."""
    oneshots: tuple[str, ...]
    handover: tuple[str, ...]
    """Services of which at most one colour runs."""
    front: tuple[str, ...]
    """Services that both colours run side by side: routed and plain."""
    volumes: dict[str, str]
    """Volume of the compose file to the engine's volume."""
    data: tuple[str, ...]
    """Folders under ``data/`` for state that is not in the commit."""
    shared_files: tuple[str, ...]
    """Tracked files that shared services mount, relative to the repository."""
    notes: tuple[str, ...]
    modes: tuple[str, ...] = ()
    """Why each route has its mode."""
    build_secrets: Mapping[str, str] = field(default_factory=dict)
    """File beside the release's env to the content of a build's secret. Secret."""

    @property
    def built_services(self) -> tuple[str, ...]:
        return tuple(name for name in self.kinds if name not in self.pulls)

    @property
    def shared_services(self) -> tuple[str, ...]:
        return tuple(name for name, kind in self.kinds.items() if kind.traits.own_project)


def split(
    document: Document,
    *,
    app: App,
    release: str,
    root: str,
    tracked: Collection[str],
    folder: str,
    facts: ImageFacts = NO_FACTS,
) -> Split:
    """Split a resolved document. Raise ``BadInput`` with every problem, each naming service, key and setting."""
    document, problems = leave_out(with_named_volumes(document, app), app)
    kinds, unknown = infer(document, app, facts)
    problems += unknown
    inputs = Inputs(document, kinds, app, release, root, frozenset(tracked), folder, facts)
    images = images_of(inputs)
    problems += [*refusals(inputs), *images.problems]
    if unknown:
        _raise_any(app, problems)
    routes, state = routes_of(inputs), state_of(inputs)
    _raise_any(app, [*problems, *routes.problems, *state.problems])
    return Split(
        kinds=kinds,
        routes=routes.routes,
        shared=shared_document(inputs, state),
        colours={colour: colour_document(inputs, colour, routes.routes, state) for colour in names.COLOURS},
        build=build_document(inputs, images),
        pulls=images.pulls,
        built_by=images.built_by,
        pull_policies=images.policies,
        oneshots=_of_kinds(inputs, (kind for kind in KINDS if kind.runs_once)),
        handover=_of_kinds(inputs, (kind for kind in KINDS if kind.at_most_one)),
        front=_of_kinds(inputs, (kind for kind in KINDS if kind.side_by_side)),
        volumes=state.volumes,
        data=state.data,
        shared_files=state.shared_files,
        notes=tuple(dict.fromkeys([*_notes(inputs), *images.notes, *routes.notes, *state.notes])),
        modes=routes.modes,
        build_secrets=build_secrets(inputs),
    )


def _raise_any(app: App, problems: Collection[str]) -> None:
    if problems:
        raise BadInput("\n".join(f"{app.compose}: {problem}" for problem in dict.fromkeys(problems)))


def _of_kinds(inputs: Inputs, kinds: Iterable[Kind]) -> tuple[str, ...]:
    """Return the services of these kinds, kind by kind, and within one those first that others depend on."""
    order = inputs.in_order_of_need()
    return tuple(service.name for kind in kinds for service in order if inputs.kind(service) == kind)


def _notes(inputs: Inputs) -> Iterator[str]:
    """Yield what the generated documents leave out without harm."""
    for service in inputs.document.services.values():
        if service.profiles and service.name not in inputs.app.left_out:
            yield f"{service.name} has profiles and is left out"
    for name in inputs.app.left_out:
        yield f"{name} is ignored (app.kinds.{name}): no release runs it"
    yield from volume_notes(inputs)
    yield from name_notes(inputs)
    for service in inputs.services.values():
        for name in service.networks:
            if name in inputs.document.networks and inputs.document.networks[name].internal:
                yield f"network {name} is internal in the compose file; the network of a colour is not"
