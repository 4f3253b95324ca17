"""Stop, start and prove the singletons of a colour."""

from __future__ import annotations

from switchyard.core import commands
from switchyard.core.errors import (
    SwitchyardError,
)
from switchyard.host.adapters import engine
from switchyard.host.adapters.lease import Superseded
from switchyard.host.attempt import Attempt, Cancelled
from switchyard.host.steps import containers as slots
from switchyard.host.steps import health

SINGLETONS_WITHIN = 60.0


def stop_singletons(attempt: Attempt, colour: str | None) -> None:
    """Asks the singletons of a colour to stop, and waits for as long as their grace period."""
    assert colour is not None
    slots.stop(attempt, colour, [c for c in slots.containers_in(attempt, colour) if c.is_singleton])
    attempt.memory.started.discard(f"single {colour}")
    attempt.memory.proven.pop(f"single {colour}", None)
    attempt.memory.failed.pop(f"single {colour}", None)


def start_singletons(attempt: Attempt, colour: str | None) -> bool:
    """The singletons of a colour, of the release that it holds; whether they could be started."""
    assert colour is not None
    release = attempt.site().slot(colour).release or attempt.release
    record = attempt.store.releases.record(release)
    if record is None or not record.handover:
        return True
    for again in (True, False):
        try:
            attempt.run(commands.up(attempt.target(release), colour, record.handover))
            attempt.memory.started.add(f"single {colour}")
            return True
        except (Superseded, Cancelled):
            raise
        except SwitchyardError as error:
            engine.ping()
            if not again:  # once may have been the engine, which is back already: no word on the release
                attempt.memory.failed[f"single {colour}"] = attempt.memory.reason = str(error)
                _judge_handover(attempt, colour)
    return False


def prove_singletons(attempt: Attempt, colour: str | None) -> bool:
    """Whether the singletons of a colour are healthy."""
    assert colour is not None
    singles = [c for c in slots.containers_in(attempt, colour) if c.is_singleton]
    slots.keep(attempt, colour, singles)
    healthy = health.prove_all(attempt, f"single {colour}", singles, SINGLETONS_WITHIN)
    _judge_handover(attempt, colour)
    return healthy


def _judge_handover(attempt: Attempt, colour: str) -> None:
    """A handover that failed is a wrong verdict on the wanted release, which outlives the stopped containers."""
    if f"single {colour}" in attempt.memory.failed and attempt.site().slot(colour).release == attempt.release:
        attempt.memory.verdict = "wrong"
