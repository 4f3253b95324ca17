"""Go back to what an apply replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from switchyard.core.errors import TAKEN_BACK, SwitchyardError
from switchyard.host.attempt import Attempt


def restore(attempt: Attempt, error: SwitchyardError, go_back: Callable[[], None]) -> NoReturn:
    """Go back to what ran before, and raise the error that made this necessary.

    Its exit code says *taken back* only where what ran before is healthy again.
    """
    attempt.lease.guard()
    attempt.events.progress("it does not get healthy: going back to what ran before")
    try:
        go_back()
    except SwitchyardError as worse:
        attempt.lease.guard()
        raise SwitchyardError(
            f"{error}\nWhat ran before does not come back either, so it is down: {worse}\nRepair it on the host, then "
            f"run inv {attempt.request.verb} again, with --rev for the commit that it should run as"
        ) from None
    raise SwitchyardError(str(error), exit=TAKEN_BACK) from None
