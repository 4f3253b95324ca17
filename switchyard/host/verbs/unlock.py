"""``unlock``: take the lease over and free it."""

from __future__ import annotations

from switchyard.core.errors import OK, Refused, SwitchyardError
from switchyard.core.lease import Lease
from switchyard.core.wire.request import Request
from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending


def unlock(attempt: Attempt) -> Ending:
    """Do nothing more: the attempt took the lease, and its end frees it."""
    return Ending("unlocked")


def require_dead_or_forced(request: Request, lease: Lease | None, why_ended: str | None) -> None:
    """Refuse to take the lease of a living holder without ``--force``."""
    if lease is None:
        raise SwitchyardError("nobody holds the lease: nothing to do", exit=OK)
    if why_ended is None and not request.force:
        raise Refused(f"{lease.who} is alive and holds the lease: {lease.doing}. Take it over with --force")
