"""``target``: the release that a rollback would go to."""

from __future__ import annotations

from switchyard.core.wire.answers import RollbackTarget
from switchyard.core.wire.request import Request
from switchyard.host.adapters.store import Store
from switchyard.host.facts import live_release
from switchyard.host.rollback_target import choose_kept
from switchyard.host.way_back import pending_way_back


def rollback_target(store: Store, request: Request) -> RollbackTarget:
    """Choose the release by the rule of the rollback itself."""
    pending = pending_way_back(store, request)
    to = pending.release if pending else request.to
    target = choose_kept(store.releases, live_release(store, request.app), to)
    return RollbackTarget(target.id, target.commit)
