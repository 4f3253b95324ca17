"""A rollback on all machines of a host: each goes back on its own, and no failure stops another machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from switchyard.control.attempts import acknowledge, interrupt, report
from switchyard.control.channel import Channel, require_app
from switchyard.control.machine_attempt import Ended, MachineAttempt
from switchyard.control.machines import at_once
from switchyard.control.screen import Screen
from switchyard.core.errors import OK, SwitchyardError
from switchyard.core.wire.events import End, Hello
from switchyard.settings.model import Host


class HostRollback:
    """One rollback: an attempt on each machine."""

    def __init__(self, host: Host, to: str | None, screen: Screen) -> None:
        app = require_app(host.app_setting.name, host.name)
        self.host = host
        self.to = to
        self.screen = screen
        self.attempts = [MachineAttempt(host, Channel(host, machine, app), screen) for machine in host.setting.machines]

    def start(self) -> None:
        """Start the host program on all machines at once, so that none waits for one that does not answer."""
        at_once(self._start, self.attempts)

    def probe(self) -> None:
        """Probe the public address of each machine once it has told its routes."""
        for attempt in self.attempts:
            with self._contained(attempt):
                attempt.follow_to(Hello)
            attempt.probe_live_routes()

    def follow(self) -> None:
        """Follow every machine to its end."""
        for attempt in self.attempts:
            with self._contained(attempt):
                attempt.follow_to(End)

    def interrupt(self) -> int:
        """Handle Ctrl-C, show what becomes of each machine and return the exit code."""
        interrupt(self.attempts, self.screen)
        code = report(self.attempts, self.screen)
        acknowledge(self.attempts)
        return code

    def close(self) -> None:
        """Close every channel."""
        for attempt in self.attempts:
            attempt.channel.close()

    def report(self) -> int:
        """Show what happened and return the exit code. Say how to take the machines that failed to the same release."""
        code = report(self.attempts, self.screen)
        target = next((a.release for a in self.attempts if a.end is not None and a.end.exit == OK), None)
        if code and target:  # the same command without --to would take the others further back
            self.screen.say(
                f"take the other machines there with: inv rollback --host {self.host.name} --to {target}", "bold"
            )
        acknowledge(self.attempts)
        return code

    def _start(self, attempt: MachineAttempt) -> None:
        with self._contained(attempt):
            attempt.start(replace(attempt.channel.request("rollback"), to=self.to))

    @contextlib.contextmanager
    def _contained(self, attempt: MachineAttempt) -> Iterator[None]:
        """Record an error as the end of one machine's attempt."""
        try:
            yield
        except Ended:
            pass
        except SwitchyardError as error:
            attempt.end_unseen(error.exit, str(error))
