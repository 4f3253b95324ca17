"""One machine's attempt, followed from the operator's side."""

from __future__ import annotations

import contextlib
import getpass
import json
import platform
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from switchyard.control import commit as source
from switchyard.control.channel import UNSEEN, Line
from switchyard.control.public_address import Address, Prober, look, looked_at, public
from switchyard.control.release import Ready, header
from switchyard.control.screen import Screen
from switchyard.core.errors import SwitchyardError, ended
from switchyard.core.wire.checks import ChecksRecord
from switchyard.settings.model import Host


def who() -> str:
    """The person and machine that a lease names."""
    return f"{getpass.getuser()}@{platform.node()}"


def attempt_name() -> str:
    """A name for one run of a verb, ordered by time for people."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + "-" + secrets.token_hex(3)


class Ended(Exception):
    """A machine's attempt ended before the phase that was waited for."""


class Flow:
    """One machine's attempt, as followed from here."""

    def __init__(self, host: Host, line: Line, screen: Screen) -> None:
        self.host = host
        self.line = line
        self.screen = screen
        self.events = line.events()
        self.facts: dict[str, Any] = {}
        self.ready: Ready | None = None
        self.release: str | None = None
        """The release that is to go live."""
        self.prober: Prober | None = None
        self.end: dict[str, Any] | None = None
        self.switched = False
        self.prepared: dict[str, Any] = {}
        self.agreement = ""

    def until(self, phase: str) -> None:
        """Follows until the event that ends a phase."""
        if self.end is not None:
            return
        for event in self.events:
            self.screen.event(self.line.machine.name, event)
            name = event["event"]
            if name == "hello":
                self.facts, self.release = event["facts"], event.get("release")
            elif name == "prepared":
                self.prepared = event
                self._show_target(event["rollback"])
            elif name == "confirm":
                self.agreement = event["text"]
            elif name == "switched":
                self.switched = True
                if self.prober is not None:
                    self.prober.measuring = True
            elif name == "look":
                self._look(event["release"])
            elif name == "end":
                self.end = event
            if name == phase:
                return
            if name == "end":
                raise Ended
        raise Ended

    def send(self, ready: Ready, picked: source.Source, checks: ChecksRecord | None = None) -> None:
        """The release as one framed stream."""
        self.ready, self.release = ready, ready.release
        self.probe(public(self.host, self.line.machine, ready.split.routes, ready.app))
        first = {**header(ready, picked), "checks": checks.encode() if checks else None}
        pack = json.dumps(first).encode() + b"\n" + source.objects(picked, self.facts["commits"])
        self.screen.say(f"  {self.line.machine.name}: sending {ready.release}, {len(pack) / 1024:.0f} KiB", "dim")
        self.line.send("receive", pack)

    def probe(self, address: Address | None) -> None:
        """Asks the public address on and on; it is counted from when something is live."""
        self.prober = Prober(address, measuring=self.facts["live"] is not None)
        self.prober.start()

    def _show_target(self, target: Mapping[str, Any] | None) -> None:
        text = "nothing to go back to: this is the first release"
        if target is not None:
            how = "warm" if target["front"] in ("starting", "healthy") else target["front"]
            text = f"the way back is {target['release']} ({how})"
        self.screen.say(f"  {self.line.machine.name}: {text}", "dim")

    def _look(self, release: str) -> None:
        assert self.ready is not None
        address = looked_at(self.host, self.line.machine, self.ready.split.routes, self.ready.app)
        verdict, why = look(address, self.line, self.ready.app, release)
        self.line.say("seen", verdict=verdict, why=why)

    def unseen(self, code: int, reason: str, outcome: str | None = None) -> None:
        """The end of an attempt that is not heard of any more, as far as it is known here."""
        live = self.facts.get("live")
        told = ended(code, reason, outcome=outcome, release=self.release)
        self.end = {**UNSEEN, **told, "before": live["id"] if live else None}


def cancel(flows: Sequence[Flow]) -> None:
    """Asks all attempts that were begun and have not ended to clean up, and waits for their ends."""
    waiting = [flow for flow in flows if flow.end is None and flow.line.followed]
    for flow in waiting:
        flow.line.cancel()
    for flow in waiting:
        with contextlib.suppress(Ended, SwitchyardError):
            flow.until("end")
