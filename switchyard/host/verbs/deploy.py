"""``deploy``: hello, receive, prepare, switch."""

from __future__ import annotations

from switchyard.core.next_step import Want
from switchyard.core.site import NOTHING
from switchyard.core.wire.events import Prepared, Received, WayBack
from switchyard.host.attempt import Attempt
from switchyard.host.drive import drive
from switchyard.host.ending import Ending, ending_of
from switchyard.host.hello import greet
from switchyard.host.receive import receive
from switchyard.host.settle import settle
from switchyard.host.way_back import begin_way_back


def deploy(attempt: Attempt) -> Ending:
    """Say hello, receive, prepare and switch. Each phase but the first starts at a word of the control node."""
    greet(attempt)
    attempt.await_word("receive")
    live = receive(attempt)
    ending = settle(attempt, live) if live is not None else None
    if ending is not None:
        return ending
    if attempt.request.back:
        begin_way_back(attempt, attempt.wanted.id, attempt.before)
    attempt.events.emit(Received(attempt.wanted.id))
    attempt.await_word("prepare")
    drive(attempt, Want("deploy", attempt.wanted.id, "prepare"))
    attempt.events.emit(Prepared(_way_back(attempt), tuple(sorted(attempt.memory.weak))))
    attempt.await_word("switch")
    return ending_of(drive(attempt, Want("deploy", attempt.wanted.id, "switch")), attempt.memory)


def _way_back(attempt: Attempt) -> WayBack | None:
    """Return the release that a rollback would go to; None where nothing is live yet."""
    if attempt.before is None:
        return None
    site = attempt.site()
    return WayBack(attempt.before, site.slot(site.live).front if site.live != NOTHING else "none")
