"""End the standby of the old colour when its time is over."""

from __future__ import annotations

import time

from switchyard.core.steps import Step
from switchyard.host.attempt import Attempt
from switchyard.host.steps.table import act


def end_standby(attempt: Attempt) -> None:
    """Stop the old colour where its standby is over. Every verb that takes the lease does this, except a rollback."""
    site = attempt.site()
    record = attempt.store.releases.record(site.slot(site.live).release) if site.live != "none" else None
    if record is None or site.slot(site.idle).front not in ("starting", "healthy"):
        return
    if time.time() - (record.since or time.time()) > record.app.standby:
        act(attempt, Step("standby", site.idle))
