"""``rollback``: go back to a release that this host keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switchyard.core.errors import (
    Refused,
)
from switchyard.core.next_step import Want
from switchyard.host import observe
from switchyard.host.adapters import engine
from switchyard.host.attempt import Attempt
from switchyard.host.drive import drive, settled
from switchyard.host.receive import Unchanged
from switchyard.host.rollback_target import choose


def rollback(attempt: Attempt) -> tuple[str, int]:
    """Chooses what to go back to and goes there; needs nothing from the operator's side."""
    facts = observe.facts(attempt.store, attempt.request["app"])
    live = facts["live"]
    attempt.before = live["id"] if live else None
    target = choose(attempt.store.records(), live, attempt.request.get("to"))
    attempt.release = target["id"]
    attempt.emit("hello", facts=facts, release=target["id"], usual=observe.usual(attempt.store))
    if live and live["id"] == target["id"]:
        raise Unchanged(f"{target['id']} is live already: nothing to do")
    missing = [service for service, image in (target.get("images") or {}).items() if engine.image_id(image) is None]
    if missing or not target.get("images"):
        raise Refused(
            f"{target['id']} cannot come back: the images of {', '.join(missing) or 'all services'} are gone "
            "from this host. Choose another with --to, or deploy its commit again"
        )
    lacking = observe.not_held(attempt)
    if lacking:
        raise Refused(
            f"{target['id']} cannot come back: the edge holds no address for {', '.join(lacking)}. Give it that "
            "release's first, which interrupts every route for a moment: "
            f"inv edge.apply --host {attempt.request.get('host', 'NAME')} --rev {target['commit'][:10]}"
        )
    ahead = schema_ahead(attempt.before and store_record(attempt, attempt.before), target)
    if ahead:
        attempt.emit("progress", text=ahead)
    return settled(attempt, drive(attempt, Want("rollback", attempt.release)))


def store_record(attempt: Attempt, release: str) -> dict[str, Any]:
    """A release's release.json; an empty one where it is gone."""
    return attempt.store.record(release) or {}


def schema_ahead(left: Mapping[str, Any] | None, target: Mapping[str, Any]) -> str:
    """How far the schema is ahead of a release that is gone back to, as a sentence; nothing where it is not."""
    had, has = ((record or {}).get("head") or {} for record in (left, target))
    if not had or had.get("after") == has.get("after"):
        return ""
    extra = sorted(set(had.get("files") or ()) - set(has.get("files") or ()))
    steps = f" by {len(extra)}: {', '.join(extra)}" if extra else ""
    return (
        f"the schema stays at {had.get('after') or 'an unknown head'}, ahead of {target['id']}'s "
        f"{has.get('after') or 'unknown head'}{steps}; a rollback runs no migration"
    )
