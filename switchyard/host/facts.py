"""What this machine reports of itself before a verb acts."""

from __future__ import annotations

import os
from dataclasses import replace

from switchyard.core import names
from switchyard.core.compose_document import services_of
from switchyard.core.journal import StepEntry
from switchyard.core.wire.facts import Facts, LiveRelease
from switchyard.host import backup
from switchyard.host.adapters import disk, engine, kernel
from switchyard.host.adapters.files import DamagedFile, read_object
from switchyard.host.adapters.proxy import Proxy
from switchyard.host.adapters.store import Store
from switchyard.host.edge_configuration import live_routes
from switchyard.host.neighbours import listening, plain_containers
from switchyard.host.slot_state import held_release, of_colour

COMMITS_MOST = 20
"""Commits that the control node may send a release's objects relative to."""
OWN_TAGS = (names.TAGS, "<none>")
"""How the names of images begin that Switchyard gave, and of those that have none."""
LAST = 5
"""How many times of a step tell how long it usually takes."""


def collect_facts(store: Store, app: str) -> Facts:
    """Return what the control node needs to know before it sends anything."""
    records = store.releases.readable_records()
    colour, containers = Proxy(store).target(), engine.containers(f"{names.APP}={app}")
    live = held_release(store, containers, colour, colour)
    record = store.releases.readable(live)
    return Facts(
        root=str(store.root),
        uid=os.getuid(),
        disks=disk.free_bytes(str(store.root), engine.info().root),
        memory_available=kernel.memory_available(),
        live=_summary(store, live, colour),
        routes=live_routes(store, record.id if record else None),
        checks=record.app.checks if record else {},
        number=records[0].number if records else 0,
        commits=tuple(record.commit for record in records if record.received)[:COMMITS_MOST],
        trees=tuple(record.tree for record in records if record.received and record.tree),
        large=tuple(sorted({blob for record in records if record.received for blob in record.large})),
        edge=store.held_addresses(),
        unfinished=(*backup.reasons_unfinished(store), *store.releases.problems(live)),
        others=plain_containers(),
        volumes=tuple(engine.volumes()),
        data=tuple(sorted(folder.name for folder in store.data.glob("*"))),
        image_volumes={},
        listening=listening(),
        shared=tuple(sorted(services_of(read_object(store.shared / "wanted.json")))),
        memory_live=sum(engine.memory_used(container) for container in of_colour(containers, colour)),
    )


def facts_for_a_release(store: Store, app: str) -> Facts:
    """Return the facts with what the images that are here declare, which only the making of a release needs."""
    return replace(collect_facts(store, app), image_volumes=image_volumes())


def image_volumes() -> dict[str, tuple[str, ...]]:
    """Return the paths that images declare as volumes, by each name of the image, our own builds apart."""
    declared: dict[str, tuple[str, ...]] = {}
    for tags in engine.tags_of_images():
        names_of_others = [tag for tag in tags if not tag.startswith(OWN_TAGS)]
        paths = engine.image_volumes(names_of_others[0]) if names_of_others else ()
        declared.update(dict.fromkeys(names_of_others, paths) if paths else {})
    return declared


def live_release(store: Store, app: str) -> LiveRelease | None:
    """Return the release that is live."""
    colour = Proxy(store).target()
    containers = engine.containers(f"{names.APP}={app}")
    return _summary(store, held_release(store, containers, colour, colour), colour)


def usual_seconds(store: Store) -> dict[str, float]:
    """Return the seconds that each step takes here: the median of its last times."""
    seconds: dict[str, list[float]] = {}
    for entry in store.journal.read()[0]:
        if isinstance(entry, StepEntry) and entry.what == "done" and entry.seconds is not None:
            seconds.setdefault(entry.step, []).append(float(entry.seconds))
    return {step: sorted(times[-LAST:])[len(times[-LAST:]) // 2] for step, times in seconds.items()}


def _summary(store: Store, release: str | None, colour: str) -> LiveRelease | None:
    """Return what is known of a release. Of one whose record is damaged, that is what its id and its place tell."""
    try:
        record = store.releases.record(release)
    except DamagedFile:
        return _unrecorded(store, str(release), colour)
    if record is None:
        return None
    return LiveRelease(
        colour=colour,
        id=record.id,
        number=record.number,
        commit=record.commit,
        subject=record.subject,
        state=record.state,
        since=record.since,
        env_keys=record.env_keys,
        kinds=record.kinds,
        head=record.head,
    )


def _unrecorded(store: Store, release: str, colour: str) -> LiveRelease:
    """Return a release by its id alone: it holds its commit, and follows the releases that were made before."""
    before = [record.number for record in store.releases.readable_records() if record.id < release]
    commit = release.rpartition("-")[2]
    return LiveRelease(colour, release, max(before, default=0) + 1, commit, "", "unverified", None, None, None, None)
