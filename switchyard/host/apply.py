"""What ``shared.apply`` and ``edge.apply`` have in common: receive the commit and ask the operator."""

from __future__ import annotations

from typing import Any

from switchyard.core.errors import (
    Refused,
)
from switchyard.host.attempt import Attempt
from switchyard.host.facts import collect_facts, usual_seconds
from switchyard.host.receive import receive
from switchyard.host.standby import end_standby


def take_in(attempt: Attempt, needed: Any) -> None:
    if not needed.exists():
        raise Refused("nothing is deployed here yet: the first inv deploy brings all of it up")
    facts = collect_facts(attempt.store, attempt.request["app"])
    attempt.before = facts.live.id if facts.live else None
    attempt.emit("hello", facts=facts.encode(), usual=usual_seconds(attempt.store))
    attempt.await_said("receive")
    receive(attempt, attempt.folder / "pack")
    attempt.emit("received", release=attempt.release)
    end_standby(attempt)


def agree(attempt: Attempt, lines: list[str]) -> None:
    attempt.emit("confirm", text="\n".join(lines))
    attempt.await_said("go")
    attempt.switched = True
    attempt.renew()
