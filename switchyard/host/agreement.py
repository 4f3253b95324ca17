"""What ``shared.apply`` and ``edge.apply`` have in common: receive a commit, and ask the operator to agree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from switchyard.core.errors import Refused
from switchyard.core.wire.events import Confirm, Received
from switchyard.host.attempt import Attempt
from switchyard.host.hello import greet
from switchyard.host.receive import receive
from switchyard.host.standby import end_standby


def receive_commit(attempt: Attempt, needed: Path) -> None:
    """Receive the commit to apply. Refuse where ``needed``, which the first deploy writes, does not exist."""
    if not needed.exists():
        raise Refused("nothing is deployed here yet. Run inv deploy first: it brings everything up")
    greet(attempt)
    attempt.await_word("receive")
    receive(attempt)
    attempt.events.emit(Received(attempt.wanted.id))
    end_standby(attempt)


def ask(attempt: Attempt, lines: Sequence[str]) -> None:
    """Show the operator what will happen, and wait for the agreement. From then on the attempt goes to its end."""
    attempt.events.emit(Confirm("\n".join(lines)))
    attempt.await_word("go")
    attempt.lease.has_switched = True
    attempt.lease.renew()
