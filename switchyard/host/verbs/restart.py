"""``restart``: restart the containers of the live colour one after the other."""

from __future__ import annotations

from switchyard.core.errors import Refused
from switchyard.core.site import NOTHING
from switchyard.core.steps import Step
from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending
from switchyard.host.standby import end_standby
from switchyard.host.steps.restart import chosen_containers
from switchyard.host.steps.table import act


def restart(attempt: Attempt) -> Ending:
    """Restart the live colour's containers, each healthy before the next restarts."""
    live = attempt.site().live
    if live == NOTHING:
        raise Refused("nothing is live here")
    attempt.wanted.id = chosen_containers(attempt.request, live)[0].release
    end_standby(attempt)
    act(attempt, Step("restart", live))
    return Ending("restarted")
