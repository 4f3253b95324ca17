"""What a deploy refuses before it builds anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from switchyard.core import held_routes, names
from switchyard.core.app import App
from switchyard.core.compose_document import Document, services_of
from switchyard.core.errors import refuse
from switchyard.core.journal import Author, OverriddenEntry
from switchyard.core.wire.release import Pack, ReleaseRecord
from switchyard.core.wire.request import Request
from switchyard.host import backup
from switchyard.host.adapters.files import read_document
from switchyard.host.adapters.releases import Releases
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.facts import live_release
from switchyard.host.neighbours import exclusive_twins, shared_twins, strange_mounts
from switchyard.host.reach import reaching
from switchyard.host.release_images import NO_IMAGES, Chosen
from switchyard.host.repository import Repository
from switchyard.host.shared_changes import shared_changes
from switchyard.host.whose import names_of_others, objects_of_others


class Digests(NamedTuple):
    """What two releases of one commit may differ in, as digests that nobody can read back."""

    env: str
    settings: str
    """Of settings and documents."""


class Candidate(NamedTuple):
    """A release that nobody admitted yet, with what is known of its commit."""

    pack: Pack
    digests: Digests
    images: Chosen
    descends_from: Callable[[str], bool]
    """Whether its commit descends from another."""
    object_of: Callable[[str], str | None]
    """The git object of a file that shared services mount; None where nobody knows it."""


def admit(
    attempt: Attempt, repository: Repository, pack: Pack, digests: Digests, images: Chosen = NO_IMAGES
) -> ReleaseRecord | None:
    """Refuse what must not be deployed, with every reason. Return the live release where the pack changes nothing."""
    store, request = attempt.store, attempt.request
    live = live_record(store, request.app)
    descends_from = partial(repository.is_ancestor, commit=pack.commit)
    candidate = Candidate(pack, digests, images, descends_from, partial(repository.object_of, pack.tree))
    if live is not None and not request.force and not images.problems and is_same(live, candidate):
        refuse(backup.reasons_unfinished(store))
        return live
    refuse((*reasons_against(store, request, candidate, live), *unchecked(attempt, pack)))
    journal_overrides(attempt, pack)
    images.notes.extend(store.ledger.notes(pack.volumes))
    store.ledger.adopt(pack.volumes)
    return None


def reasons_against(store: Store, request: Request, candidate: Candidate, live: ReleaseRecord | None) -> Iterator[str]:
    """Yield why a release must not be deployed.

    An apply was cut short, nobody has one of its images, its commit is bad or older, somebody else mounts its state,
    the live release runs an exclusive service of it side by side, shared services changed, the edge does not hold its
    addresses, one of its names is that by which the edge knows a service of the live release, or what it uses or
    reaches is not its own.
    """
    pack = candidate.pack
    yield from backup.reasons_unfinished(store)
    yield from candidate.images.problems
    yield from objects_of_others(store, request, pack.volumes, services_of_pack(pack))
    yield from names_of_others(store, request.app, pack.volumes)
    if not request.force:
        yield from _bad(store.releases, pack, candidate.digests)
    if live is not None and not request.allow_downgrade and not candidate.descends_from(live.commit):
        yield _older(pack, live)
    yield from strange_mounts(request.app, Document.decode(pack.shared))
    yield from shared_twins(request.app, Document.decode(pack.colours.get(names.COLOURS[0])))
    yield from exclusive_twins(live, pack)
    if not request.shared_unchanged:
        yield from _changed_shared(store, candidate, request.host)
    yield from _new_addresses(store, pack, request.host)
    yield from _names_of_another(pack, live)
    yield from reaching(store, request.app, pack, request.waivers)


def services_of_pack(pack: Pack) -> tuple[str, ...]:
    """Return the services that a release runs on a host, the edge among them."""
    return (*services_of(pack.colours.get(names.COLOURS[0], {})), *services_of(pack.shared), "edge")


def is_same(live: ReleaseRecord, candidate: Candidate) -> bool:
    """Return whether a release has the files, env, settings and images of the live one."""
    pack, digests = candidate.pack, candidate.digests
    has_files = live.tree == pack.tree or not (live.tree or pack.large)  # earlier versions shipped pointers of Git LFS
    same = (live.commit, live.env_digest, live.settings) == (pack.commit, digests.env, digests.settings)
    return has_files and same and not candidate.images.moves


def digests_of(store: Store, pack: Pack) -> Digests:
    """Return what stands for a pack's env, settings and documents."""
    documents = [pack.app.encode(), pack.colours, pack.shared]
    settings = json.dumps(documents, sort_keys=True).replace(pack.id, "")
    return Digests(store.digest(pack.env), store.digest(settings))


def unchecked(attempt: Attempt, pack: Pack) -> Iterator[str]:
    """Yield that predeploy checked another tree than this one."""
    checks = pack.checks
    if checks is None and attempt.request.back:
        return
    if checks is None or checks.tree != pack.tree:
        yield f"predeploy did not check {pack.commit[:10]}: its result is of another tree"


def journal_overrides(attempt: Attempt, pack: Pack) -> None:
    """Journal which checks were overridden, and why, and which variables were dropped."""
    author: Author = {**attempt.author, "release": pack.id}
    if attempt.request.drop_env:
        why = f"--drop-env: without {', '.join(attempt.request.drop_env)} of the live release"
        attempt.store.journal.append(OverriddenEntry(**author, why=why))
    if pack.checks is not None and pack.checks.overridden:
        attempt.store.journal.append(OverriddenEntry(**author, why=attempt.wanted.told(pack.checks.overridden)))


def live_record(store: Store, app: str) -> ReleaseRecord | None:
    """Return the record of the release that is live; None where nothing is."""
    live = live_release(store, app)
    return store.releases.record(live.id) if live else None


def _bad(releases: Releases, pack: Pack, digests: Digests) -> Iterator[str]:
    """Yield that a commit was rolled back from with this env."""
    for name, problem in releases.damaged().items():
        if pack.commit.startswith(name.rpartition("-")[2]):
            yield f"whether {pack.commit[:10]} is bad is not known: {problem}"
    bad = [each for each in releases.readable_records() if each.state == "bad" and _judged_alike(each.app, pack.app)]
    for record in [each for each in bad if (each.commit, each.env_digest) == (pack.commit, digests.env)][:1]:
        yield (
            f"{pack.commit[:10]} with this env is bad: {record.id} was rolled back from. "
            "Deploy another commit, or this one with --force"
        )


def _judged_alike(first: App, second: App) -> bool:
    """Return whether the settings by which a release is judged are the same: a mistake in them is not the commit's."""
    return (first.kinds, first.checks, first.healthy_within) == (second.kinds, second.checks, second.healthy_within)


def _older(pack: Pack, live: ReleaseRecord) -> str:
    return (
        f"{pack.commit[:10]} is not a descendant of {live.commit[:10]}, which is live ({live.id}): somebody "
        "deployed something newer. Merge it, or give --allow-downgrade"
    )


def _changed_shared(store: Store, candidate: Candidate, host: str | None) -> Iterator[str]:
    path = store.shared / "wanted.json"
    if not path.exists():
        return
    pack = candidate.pack
    objects = {name: object_id for name in pack.shared_files if (object_id := candidate.object_of(name))}
    changes = shared_changes(store, read_document(path), Document.decode(pack.shared), objects)
    if changes:
        yield (
            "shared services changed, and a deploy never touches them: "
            + "; ".join(f"{service}: {', '.join(reasons)}" for service, reasons in changes.items())
            + f". Apply the change with inv shared.apply --host {host or 'NAME'}, or deploy with "
            "--shared-unchanged to leave them as they run"
        )


def _names_of_another(pack: Pack, live: ReleaseRecord | None) -> Iterator[str]:
    """Yield names by which the edge knows a service of the live release: requests for that one would come here."""
    routes = live.routes if live is not None else ()
    known = {
        names.former_alias(route.service, each).lower(): route.service for route in routes for each in names.COLOURS
    }
    for document in map(Document.decode, (pack.colours.get(names.COLOURS[0]), pack.shared)):
        for service in document.services.values():
            for alias in dict.fromkeys((service.name, service.hostname or service.name, *service.aliases)):
                owner = known.get(alias.lower(), service.name)
                if owner != service.name:
                    yield (
                        f"service {service.name}: {alias} is the name by which the edge knows {owner} of the live "
                        "release. Give it another name"
                    )


def _new_addresses(store: Store, pack: Pack, host: str | None) -> Iterator[str]:
    """Yield the addresses that the edge does not hold."""
    addresses = store.held_addresses()
    new = held_routes.not_held(addresses, pack.routes) if addresses is not None else []
    if new:
        yield held_routes.describe_not_held(new, host or "NAME")
