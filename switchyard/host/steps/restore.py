"""Put back what an apply replaced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from switchyard.core.errors import (
    TAKEN_BACK,
    SwitchyardError,
)
from switchyard.host import backup as aside
from switchyard.host.attempt import Attempt


def go_back(attempt: Attempt, home: Path, error: SwitchyardError, again: Callable[[], None]) -> NoReturn:
    """What was kept aside, made again; raises ``error``, which is *taken back* only where that is healthy."""
    attempt.store.lease.guard(attempt.number)
    attempt.emit("progress", text="it does not get healthy: going back to what was")
    try:
        aside.put_back(home)
        again()
    except SwitchyardError as worse:
        attempt.store.lease.guard(attempt.number)
        raise SwitchyardError(
            f"{error}\nWhat was does not come back either, so it is down: {worse}\nRepair it on the host, then type "
            f"inv {attempt.verb} again, with --rev for the commit that it shall run as"
        ) from None
    aside.forget(home)
    raise SwitchyardError(str(error), exit=TAKEN_BACK) from None
