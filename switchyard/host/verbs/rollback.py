"""``rollback``: go back to a release that this host keeps."""

from __future__ import annotations

from switchyard.core.errors import (
    Refused,
)
from switchyard.core.next_step import Want
from switchyard.core.wire.release import ReleaseRecord
from switchyard.host.adapters import engine
from switchyard.host.attempt import Attempt
from switchyard.host.drive import drive, settled
from switchyard.host.edge_configuration import routes_without_address
from switchyard.host.facts import collect_facts, usual_seconds
from switchyard.host.receive import Unchanged
from switchyard.host.rollback_target import choose


def rollback(attempt: Attempt) -> tuple[str, int]:
    """Chooses what to go back to and goes there; needs nothing from the operator's side."""
    facts = collect_facts(attempt.store, attempt.request["app"])
    live = facts.live
    attempt.before = live.id if live else None
    target = choose(attempt.store.releases.records(), live, attempt.request.get("to"))
    attempt.release = target.id
    attempt.emit("hello", facts=facts.encode(), release=target.id, usual=usual_seconds(attempt.store))
    if live and live.id == target.id:
        raise Unchanged(f"{target.id} is live already: nothing to do")
    missing = [service for service, image in target.images.items() if engine.image_id(image) is None]
    if missing or not target.images:
        raise Refused(
            f"{target.id} cannot come back: the images of {', '.join(missing) or 'all services'} are gone "
            "from this host. Choose another with --to, or deploy its commit again"
        )
    lacking = routes_without_address(attempt.store, attempt.routes)
    if lacking:
        raise Refused(
            f"{target.id} cannot come back: the edge holds no address for {', '.join(lacking)}. Give it that "
            "release's first, which interrupts every route for a moment: "
            f"inv edge.apply --host {attempt.request.get('host', 'NAME')} --rev {target.commit[:10]}"
        )
    ahead = schema_ahead(attempt.store.releases.record(attempt.before), target)
    if ahead:
        attempt.emit("progress", text=ahead)
    return settled(attempt, drive(attempt, Want("rollback", attempt.release)))


def schema_ahead(left: ReleaseRecord | None, target: ReleaseRecord) -> str:
    """How far the schema is ahead of a release that is gone back to, as a sentence; nothing where it is not."""
    had, has = (left.head if left else None), target.head
    after = has.after if has else None
    if had is None or had.after == after:
        return ""
    extra = sorted(set(had.files) - set(has.files if has else ()))
    steps = f" by {len(extra)}: {', '.join(extra)}" if extra else ""
    return (
        f"the schema stays at {had.after or 'an unknown head'}, ahead of {target.id}'s "
        f"{after or 'unknown head'}{steps}; a rollback runs no migration"
    )
