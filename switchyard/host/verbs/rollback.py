"""``rollback``: go back to a release that this host keeps. It needs nothing from the control node."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from switchyard.core.errors import Refused, refuse
from switchyard.core.names import COLOURS
from switchyard.core.next_step import Want
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters.files import DamagedFile
from switchyard.host.adapters.store import Store
from switchyard.host.attempt import Attempt
from switchyard.host.drive import drive
from switchyard.host.edge_configuration import reached_routes, unreached_routes
from switchyard.host.ending import Ending, ending_of
from switchyard.host.hello import greet, look_around
from switchyard.host.neighbours import exclusive_twins, shared_twins
from switchyard.host.observe import missing_images
from switchyard.host.rollback_target import choose_kept, older_sound
from switchyard.host.settle import settle
from switchyard.host.way_back import begin_way_back, left_for, pending_way_back
from switchyard.host.whose import objects_of_others


def rollback(attempt: Attempt) -> Ending:
    """Choose the release to go back to, and go there."""
    facts = look_around(attempt)
    releases = attempt.store.releases
    pending = pending_way_back(attempt.store, attempt.request, attempt.awaited)
    target = choose_kept(releases, facts.live, pending.release if pending else attempt.request.to)
    begin_way_back(attempt, target.id, pending.was if pending else left_for(attempt.store, target.id, attempt.before))
    greet(attempt, facts)
    if attempt.before == target.id and pending is None:
        ending = settle(attempt, target)
        return ending or ending_of(drive(attempt, Want("rollback", target.id)), attempt.memory)
    _require_images(target)
    for problem in dict.fromkeys((*releases.damaged().values(), *releases.problems(attempt.before))):
        attempt.events.progress(f"left out: {problem}")
    refuse(_reasons_against(attempt, target))
    with contextlib.suppress(DamagedFile):  # it records what earlier versions did not, once
        attempt.store.ledger.adopt()
    warnings = (
        _require_addresses(attempt.store, target, attempt.request.host),
        schema_ahead(releases.readable(attempt.before), target),
    )
    for warning in filter(None, warnings):
        attempt.events.progress(warning)
    ending = ending_of(drive(attempt, Want("rollback", target.id)), attempt.memory)
    return ending if pending is None or ending.exit else ending._replace(reason=_confirmation(attempt, target))


def _confirmation(attempt: Attempt, target: ReleaseRecord) -> str:
    """Say that the way back before this one went here, and how to go further back."""
    further = older_sound(attempt.store.releases.readable_records(), target.number)
    confirmed = f"the rollback before this one went to {target.id}, and nobody was shown its end"
    if further is None:
        return f"{confirmed}. No release before that one is kept"
    way = f"inv rollback --host {attempt.request.host or 'NAME'} --to {further.id}"
    return f"{confirmed}. Go further back with: {way}"


def _reasons_against(attempt: Attempt, target: ReleaseRecord) -> Iterator[str]:
    """Yield why a release must not come back: what it uses was replaced, runs twice, or is another application's."""
    yield from shared_twins(target.name, attempt.store.releases.document(target.id, COLOURS[0]))
    yield from exclusive_twins(attempt.store.releases.readable(attempt.before), target)
    yield from objects_of_others(attempt.store, attempt.request, target.volumes, target.runs)


def _require_images(target: ReleaseRecord) -> None:
    missing = missing_images(target)
    if missing or not target.images:
        raise Refused(
            f"{target.id} cannot come back: the images of {', '.join(missing) or 'all services'} are gone "
            "from this host. Choose another release with --to, or deploy its commit again"
        )


def _require_addresses(store: Store, target: ReleaseRecord, host: str | None) -> str:
    """Return what to say of routes that stay closed because the edge has no address for them; refuse where all do."""
    missing = ", ".join(
        f"{route.public} ({route.service}:{route.port})" for route in unreached_routes(store, target.id)
    )
    way = f"inv edge.apply --host {host or 'NAME'} --rev {target.commit[:10]}"
    if missing and not reached_routes(store, target.id):
        raise Refused(
            f"{target.id} cannot come back: the edge holds no address for {missing}. Give the edge that release's "
            f"addresses first, which interrupts every route for a moment: {way}"
        )
    return f"the edge no longer holds {missing}: closed until {way}" if missing else ""


def schema_ahead(before: ReleaseRecord | None, target: ReleaseRecord) -> str:
    """Say how far the schema is ahead of the release to go back to; nothing where it is not."""
    head = before.head if before else None
    after = target.head.after if target.head else None
    if head is None or head.after == after:
        return ""
    extra = sorted(set(head.files) - set(target.head.files if target.head else ()))
    distance = f" by {len(extra)}: {', '.join(extra)}" if extra else ""
    return (
        f"the schema stays at {head.after or 'an unknown head'}, ahead of {target.id}'s "
        f"{after or 'unknown head'}{distance}; a rollback runs no migration"
    )
