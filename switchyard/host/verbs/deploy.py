"""``deploy``: hello, receive, prepare, switch."""

from __future__ import annotations

from typing import Any

from switchyard.core.next_step import Want
from switchyard.host.attempt import Attempt
from switchyard.host.drive import drive, settled
from switchyard.host.facts import collect_facts, usual_seconds
from switchyard.host.receive import receive


def deploy(attempt: Attempt) -> tuple[str, int]:
    """hello, receive, prepare, switch: each but the first when the operator's side says so."""
    facts = collect_facts(attempt.store, attempt.request["app"])
    attempt.before = facts.live.id if facts.live else None
    attempt.emit("hello", facts=facts.encode(), usual=usual_seconds(attempt.store))
    attempt.await_said("receive")
    receive(attempt, attempt.folder / "pack")
    attempt.emit("received", release=attempt.release)
    attempt.await_said("prepare")
    drive(attempt, Want("deploy", attempt.release, "prepare"))
    target = _rollback_target(attempt)
    attempt.emit("prepared", rollback=target, weak=sorted(attempt.memory.weak))
    attempt.await_said("switch")
    return settled(attempt, drive(attempt, Want("deploy", attempt.release, "switch")))


def _rollback_target(attempt: Attempt) -> dict[str, Any] | None:
    if attempt.before is None:
        return None
    site = attempt.site()
    return {"release": attempt.before, "front": site.slot(site.live).front if site.live != "none" else "none"}
