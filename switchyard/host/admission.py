"""What a deploy refuses before it builds anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from switchyard.core import held_routes, names
from switchyard.core.app import App
from switchyard.core.compose_document import Document
from switchyard.core.errors import refuse
from switchyard.core.journal import Author, OverriddenEntry
from switchyard.core.wire.release import Pack, ReleaseRecord
from switchyard.host import backup
from switchyard.host.adapters.files import read_document
from switchyard.host.adapters.releases import Releases
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.facts import live_release
from switchyard.host.neighbours import shared_twins, strange_mounts
from switchyard.host.release_images import NO_IMAGES, Chosen
from switchyard.host.repository import Repository
from switchyard.host.shared_changes import shared_changes


class Digests(NamedTuple):
    """What two releases of one commit may differ in, as digests that nobody can read back."""

    env: str
    settings: str
    """Of settings and documents."""


def admit(
    attempt: Attempt, repository: Repository, pack: Pack, digests: Digests, images: Chosen = NO_IMAGES
) -> ReleaseRecord | None:
    """Refuse what must not be deployed, with every reason. Return the live release where the pack changes nothing.

    Refused are: a deploy after an apply that was cut short, a bad or older commit, state that somebody else mounts,
    changed shared services, addresses that the edge does not hold, a tree that predeploy did not check, and images that
    nobody has.
    """
    store, request = attempt.store, attempt.request
    live = live_record(store, request.app)
    reasons = [*backup.reasons_unfinished(store), *images.problems]
    is_same = live is not None and _is_same(live, pack, digests) and not images.moves
    if not reasons and live is not None and not request.force and is_same:
        return live
    if not request.force:
        reasons += _bad(store.releases, pack, digests)
    if live is not None and not request.allow_downgrade:
        reasons += _older(repository, pack, live)
    reasons += strange_mounts(request.app, Document.decode(pack.shared))
    reasons += shared_twins(request.app, Document.decode(pack.colours.get(names.COLOURS[0])))
    if not request.shared_unchanged:
        reasons += _changed_shared(store, repository, pack, request.host)
    reasons += _new_addresses(store, pack, request.host)
    reasons += unchecked(attempt, pack)
    refuse(reasons)
    journal_overrides(attempt, pack)
    return None


def _is_same(live: ReleaseRecord, pack: Pack, digests: Digests) -> bool:
    has_files = live.tree == pack.tree or not (live.tree or pack.large)  # earlier versions shipped pointers of Git LFS
    return has_files and (live.commit, live.env_digest, live.settings) == (pack.commit, digests.env, digests.settings)


def unchecked(attempt: Attempt, pack: Pack) -> Iterator[str]:
    """Yield that predeploy checked another tree than this one."""
    checks = pack.checks
    if checks is None and attempt.request.back:
        return
    if checks is None or checks.tree != pack.tree:
        yield f"predeploy did not check {pack.commit[:10]}: its result is of another tree"


def journal_overrides(attempt: Attempt, pack: Pack) -> None:
    """Journal which checks were overridden, and why."""
    if pack.checks is not None and pack.checks.overridden:
        author: Author = {**attempt.author, "release": pack.id}
        attempt.store.journal.append(OverriddenEntry(**author, why=pack.checks.overridden))


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


def _older(repository: Repository, pack: Pack, live: ReleaseRecord) -> Iterator[str]:
    """Yield that a commit does not descend from the live one."""
    if not repository.is_ancestor(live.commit, pack.commit):
        yield (
            f"{pack.commit[:10]} is not a descendant of {live.commit[:10]}, which is live ({live.id}): somebody "
            "deployed something newer. Merge it, or give --allow-downgrade"
        )


def _changed_shared(store: Store, repository: Repository, pack: Pack, host: str | None) -> Iterator[str]:
    path = store.shared / "wanted.json"
    if not path.exists():
        return
    objects = {name: repository.object_of(pack.tree, name) for name in pack.shared_files}
    changes = shared_changes(store, read_document(path), Document.decode(pack.shared), objects)
    if changes:
        yield (
            "shared services changed, and a deploy never touches them: "
            + "; ".join(f"{service}: {', '.join(reasons)}" for service, reasons in changes.items())
            + f". Apply the change with inv shared.apply --host {host or 'NAME'}, or deploy with "
            "--shared-unchanged to leave them as they run"
        )


def _new_addresses(store: Store, pack: Pack, host: str | None) -> Iterator[str]:
    """Yield the addresses that the edge does not hold."""
    addresses = store.held_addresses()
    new = held_routes.not_held(addresses, pack.routes) if addresses is not None else []
    if new:
        yield held_routes.describe_not_held(new, host or "NAME")
