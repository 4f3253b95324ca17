"""A deploy on all machines of a host, phase by phase: no machine enters a phase before all ended the one before."""

from __future__ import annotations

from dataclasses import dataclass

from switchyard.control.attempts import acknowledge, cancel, interrupt, report
from switchyard.control.deploy_options import DeployOptions
from switchyard.control.machine_attempt import Ended, MachineAttempt
from switchyard.control.refusals import refuse_unfit
from switchyard.control.release import Release
from switchyard.control.shipment import Shipment
from switchyard.core.errors import OK, UNVERIFIED, SwitchyardError
from switchyard.core.wire.checks import ChecksRecord, ChecksSummary
from switchyard.core.wire.events import End, Event, Hello, Prepared, Received
from switchyard.core.wire.request import Word


@dataclass(frozen=True)
class CommitChecks:
    """What the checks said of the commit; the defaults stand for a deploy that runs none."""

    exit: int = OK
    """The exit code of a deploy that the checks stop; 0 if the commit may ship."""
    sentence: str = ""
    record: ChecksRecord | None = None
    """What the host keeps beside the release."""
    summary: ChecksSummary | None = None
    """What the receipt shows."""


class Deployment:
    """One deploy: an attempt on each machine."""

    def __init__(
        self,
        shipment: Shipment,
        release: Release,
        checks: CommitChecks,
        options: DeployOptions,
        *,
        is_live: bool = False,
    ) -> None:
        """Take the parts of a deploy. ``is_live``: every machine has the release live, so none needs more room."""
        self.host = shipment.host
        self.screen = shipment.screen
        self.release = release
        self.checks = checks
        self.options = options
        self.is_live = is_live
        self.attempts = [MachineAttempt(self.host, channel, self.screen) for channel in shipment.channels]

    def start(self) -> None:
        """Start the host program on every machine."""
        for attempt in self.attempts:
            attempt.start(self.options.request(attempt.channel, "deploy"))

    def take_leases(self) -> None:
        """Wait until every machine holds its lease, and refuse one that is no longer fit."""
        for attempt in self.attempts:
            attempt.follow_to(Hello)
        facts = {attempt.name: attempt.facts for attempt in self.attempts if attempt.facts is not None}
        if not self.is_live:
            refuse_unfit(facts, self.release, self.host)

    def send_release(self) -> None:
        """Send the release to every machine."""
        for attempt in self.attempts:
            attempt.send(self.release, self.checks.record)

    def prepare(self) -> None:
        """Have every machine that received the release bring up its idle colour and prove it healthy."""
        for attempt in self.attempts:
            _follow(attempt, Received)
            _say(attempt, "prepare")
        for attempt in self.attempts:
            _follow(attempt, Prepared)

    def switch(self) -> None:
        """Switch one machine after the other; stop where one fails, since the next would fail as well."""
        for attempt in self.attempts:
            _say(attempt, "switch")
            attempt.follow_to(End)
            if attempt.end is None or attempt.end.exit not in (OK, UNVERIFIED):
                raise Ended

    def stop(self, error: Ended | SwitchyardError | KeyboardInterrupt) -> None:
        """Cancel what has not switched. Raise an error again that came before any switch."""
        if isinstance(error, KeyboardInterrupt):
            interrupt(self.attempts, self.screen)
            return
        cancel(self.attempts)
        if isinstance(error, Ended):
            return
        if not any(attempt.has_switched for attempt in self.attempts):
            raise error
        for attempt in self.attempts:
            if attempt.end is None:
                attempt.end_unseen(error.exit, str(error))

    def report(self) -> int:
        """Show what happened, and return the exit code."""
        code = report(self.attempts, self.screen, self.checks.summary)
        acknowledge(self.attempts)
        return code


def _follow(attempt: MachineAttempt, phase: type[Event]) -> None:
    """Follow a machine to a phase, or to its good end: one that runs the release already stops no other."""
    try:
        attempt.follow_to(phase)
    except Ended:
        if attempt.end is None or attempt.end.exit != OK:
            raise


def _say(attempt: MachineAttempt, word: str) -> None:
    """Start the next phase of a machine that has not ended."""
    if attempt.end is None:
        attempt.channel.say(Word(word))
