"""``unlock``: take the lease over and free it."""

from __future__ import annotations

from switchyard.core.errors import (
    Refused,
    SwitchyardError,
)
from switchyard.core.lease import Lease
from switchyard.host.attempt import Attempt


def unlock(attempt: Attempt) -> tuple[str, int]:
    """Nothing more: taking the lease was the act, and its end frees it."""
    return "unlocked", 0


def require_dead_or_forced(attempt: Attempt, lease: Lease | None, dead: str | None) -> None:
    """A living owner keeps its lease unless ``--force`` is given."""
    if lease is None:
        raise SwitchyardError("nobody holds the lease: nothing to do", exit=0)
    if dead is None and not attempt.request.get("force"):
        raise Refused(f"{lease.who} is alive and holds the lease: {lease.doing}. Take it over with --force")
