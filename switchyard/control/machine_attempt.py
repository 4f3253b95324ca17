"""The attempt of a verb on one machine, followed from the control node."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from switchyard.control import terminal
from switchyard.control.channel import Channel
from switchyard.control.operator_process import operator_name
from switchyard.control.prober import PROBE_WITHIN, Prober
from switchyard.control.public_address import Address, address_to_look_at, is_new, look, public_address
from switchyard.control.receipt import UNSEEN, outcome_of
from switchyard.control.screen import Screen
from switchyard.core.app import App, Route
from switchyard.core.errors import OK, UNVERIFIED
from switchyard.core.kinds import kind_named
from switchyard.core.outside_text import shortened
from switchyard.core.steps import TOUCHES_LIVE
from switchyard.core.wire.checks import ChecksRecord
from switchyard.core.wire.events import Confirm, End, Event, Hello, Look, Prepared, StepBegins, Switched, WayBack
from switchyard.core.wire.facts import Facts
from switchyard.core.wire.receipt import MachineReceipt, Probes
from switchyard.core.wire.request import Request, Word
from switchyard.settings.model import Host

if TYPE_CHECKING:
    from switchyard.control.release import Release


SETTLES_WITHIN = 8.0
"""Seconds in which failing probes may recover after a switch. The host waits 20 s for the look and this together."""


class Ended(Exception):
    """The attempt on a machine ended before the event that was awaited."""


class MachineAttempt:
    """One run of a verb on one machine."""

    def __init__(self, host: Host, channel: Channel, screen: Screen) -> None:
        self.host = host
        self.channel = channel
        self.screen = screen
        self.facts: Facts | None = None
        self.release: str | None = None
        """The release that is to go live."""
        self.end: End | None = None
        self.has_switched = False
        """Whether the attempt has begun to change what is live, so that it goes on by itself."""
        self.confirm_text = ""
        """What an apply interrupts."""
        self.prober: Prober | None = None
        self._mark = secrets.token_hex(16)
        self._has_heard_end = False
        self._doubt = ""
        """Why a release that its host calls good is unverified."""
        self._sent_release: Release | None = None
        self._wanted_routes: tuple[Route, ...] = ()
        """Those of the release that the host goes back to."""
        self._events = channel.events()

    @property
    def name(self) -> str:
        """The machine's name."""
        return self.channel.machine.name

    @property
    def is_running(self) -> bool:
        """Whether the attempt has begun and its end is not known."""
        return self.end is None and self.channel.has_begun

    def start(self, request: Request) -> None:
        """Start the host program with a request, under a new attempt id and the operator's name."""
        named = replace(request, attempt=new_attempt_id(), who=operator_name(), probe=self._mark)
        self.channel.start(named)

    def follow_to(self, phase: type[Event]) -> None:
        """Follow the attempt until an event of this type. Raise ``Ended`` if its end comes first."""
        if self.end is not None:
            return
        for event in self._events:
            self.screen.event(self.name, event)
            self._note(event)
            if isinstance(event, phase):
                return
            if isinstance(event, End):
                break
        raise Ended

    def send(self, release: Release, checks: ChecksRecord | None) -> None:
        """Send a release with the record of its checks, and probe the public address from now on."""
        from switchyard.control.release import stream  # loads slowly, and a rollback does without

        assert self.facts is not None
        self._sent_release, self.release = release, release.id
        self.probe(
            public_address(self.host, self.channel.machine, release.split.routes, release.app),
            is_new=is_new(self.facts.routes, release.split.routes),
            hold=release.app.hold if release.app.exclusive else 0,
        )
        data = stream(release, checks, self.facts)
        self.screen.say(f"  {self.name}: sending {release.id}, {len(data) / 1024:.0f} KiB", "dim")
        self.channel.send(data)

    def probe_live_routes(self) -> None:
        """Probe the address of the release that goes live again, from now on where the live one answers there."""
        if self.facts is not None:
            app, routes = App(self.channel.app, checks=self.facts.checks), self._wanted_routes or self.facts.routes
            address = public_address(self.host, self.channel.machine, routes, app)
            hold = app.hold if self._may_hold() else 0
            self.probe(address, is_new=is_new(self.facts.routes, routes), hold=hold)

    def _may_hold(self) -> bool:
        """Return whether the live release has services whose requests the edge holds while they are replaced."""
        kinds = (self.facts.live.kinds or {}) if self.facts is not None and self.facts.live is not None else {}
        return any(kind is not None and kind.is_held for kind in map(kind_named, kinds.values()))

    def probe(self, address: Address | None, *, is_new: bool = False, hold: int = 0) -> None:
        """Start to probe an address. Probes count at once where something is live there, else from the switch on.

        The edge may let requests wait for ``hold`` seconds.
        """
        is_live = self.facts is not None and self.facts.live is not None and not is_new
        self.prober = Prober(self._marked(address), measuring=is_live, within=PROBE_WITHIN + hold)
        self.prober.start()

    def _marked(self, address: Address | None) -> Address | None:
        """Return an address whose probes the edge does not count."""
        return address and replace(address, mark=self._mark)

    def restart_events(self) -> None:
        """Follow the attempt anew after Ctrl-C interrupted the wait for an event."""
        self._events = self.channel.events()

    def doubt(self) -> None:
        """Stop the probes, and take a release for unverified whose last ones failed, also after the host's verdict."""
        if self.prober is None or self.end is None or self.end.exit != OK or not self.has_switched:
            return
        self.prober.stop()
        trouble = self.prober.trouble()
        if trouble is not None:
            self._doubt = trouble.why
            live = replace(self.end.live, state="unverified") if self.end.live is not None else None
            self.end = replace(self.end, outcome="unverified", exit=UNVERIFIED, reason=trouble.why, live=live)

    def acknowledge(self) -> None:
        """Tell the host that its end was printed, if it was heard from the host."""
        if self._has_heard_end and self.screen.has_printed():
            self.channel.acknowledge(self._doubt)

    def end_unseen(self, code: int, reason: str, outcome: str | None = None) -> None:
        """Record what the control node knows of an end that it does not see."""
        live = self.facts.live if self.facts is not None else None
        self.end = End(
            outcome or outcome_of(code), code, reason, before=live.id if live else None, release=self.release
        )

    def receipt(self) -> MachineReceipt:
        """Stop the probes and return what happened on this machine."""
        return MachineReceipt(
            name=self.name,
            before=(self.end or UNSEEN).before,
            steps=tuple(self.screen.steps.get(self.name, ())),
            executions=self.channel.executions,
            probes=self.prober.stop() if self.prober else Probes(),
            holds=tuple(self.screen.holds.get(self.name, ())),
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, Hello):
            self.facts, self.release, self._wanted_routes = event.facts, event.release, event.routes
        elif isinstance(event, Prepared):
            self._show_way_back(event.rollback)
        elif isinstance(event, Confirm):
            self.confirm_text = event.text
        elif isinstance(event, StepBegins):
            self.has_switched |= event.step in TOUCHES_LIVE
        elif isinstance(event, Switched):
            self.has_switched = True
            if self.prober is not None:
                self.prober.switched()
        elif isinstance(event, Look):
            self._look(event.release)
        elif isinstance(event, End):
            self.end, self._has_heard_end = event, True

    def _show_way_back(self, target: WayBack | None) -> None:
        text = "nothing to go back to: this is the first release"
        if target is not None:
            state = "warm" if target.front in ("starting", "healthy") else target.front
            text = f"the way back is {target.release} ({state})"
        self.screen.say(f"  {self.name}: {text}", "dim")

    def _look(self, id: str) -> None:
        release = self._sent_release
        assert release is not None
        address = address_to_look_at(self.host, self.channel.machine, release.split.routes, release.app)
        verdict, why = look(self._marked(address), self.channel.connection, release.app, id)
        trouble = self.prober.settle(SETTLES_WITHIN) if self.prober is not None and verdict == "ok" else None
        if trouble is not None:
            verdict, why = trouble
        self.channel.say(Word("seen", verdict=verdict, why=shortened(terminal.shown(why))))


def new_attempt_id() -> str:
    """Return an id for one run of a verb; ids sort by time."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + "-" + secrets.token_hex(3)
