"""``preview``: hold the previews of a colour open for a limited time, or close them.

It holds the lease while it opens or closes them and not between, so that previews stop no deploy and no rollback.
"""

from __future__ import annotations

import time

from switchyard.core.errors import Refused
from switchyard.host import previews
from switchyard.host.attempt import Attempt
from switchyard.host.ending import Ending
from switchyard.host.steps.containers import containers_in, release_of


def preview(attempt: Attempt) -> Ending:
    """Open the previews of a colour for the seconds of the request; 0 closes them."""
    colour, seconds = previews.chosen(attempt.proxy, attempt.request.colour), attempt.request.seconds
    if not seconds:
        attempt.tick()
        previews.hold(attempt.store, attempt.proxy, colour, 0)
        return Ending("closed", reason=f"the previews of {colour}")
    running = [each for each in containers_in(attempt.request.app, colour) if each.is_running]
    if not running:
        raise Refused(f"{colour} runs nothing to look at. Deploy first, or name a colour that runs: see inv status")
    attempt.wanted.id = release_of(running) or ""
    until = int(time.time()) + seconds
    attempt.tick()
    previews.hold(attempt.store, attempt.proxy, colour, until)
    moment = time.strftime("%H:%M:%S", time.gmtime(until))
    return Ending("opened", reason=f"the previews of {colour} ({attempt.wanted.id}) until {moment} UTC")
