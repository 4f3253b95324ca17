"""``restart``: restart containers of the live colour one after the other."""

from __future__ import annotations

from switchyard.core.errors import (
    Refused,
)
from switchyard.core.steps import Step
from switchyard.host.attempt import Attempt
from switchyard.host.standby import end_standby
from switchyard.host.steps.restart import chosen_containers
from switchyard.host.steps.table import act


def restart(attempt: Attempt) -> tuple[str, int]:
    """Restarts the live colour's containers one after the other, each healthy before the next."""
    live = attempt.site().live
    if live == "none":
        raise Refused("nothing is live here")
    attempt.release = chosen_containers(attempt, live)[0].release
    end_standby(attempt)
    act(attempt, Step("restart", live))
    return "restarted", 0
