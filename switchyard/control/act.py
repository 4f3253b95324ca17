"""One acting verb on every machine of a host, one machine after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from switchyard.control.channel import Channel, require_app
from switchyard.control.machine_attempt import MachineAttempt
from switchyard.control.screen import Screen
from switchyard.core.wire.events import End
from switchyard.core.wire.request import Request
from switchyard.settings import load
from switchyard.settings.model import Host, Machine


def act_on_host(checkout: Path, host_name: str, request: Callable[[Channel], Request]) -> int:
    """Run a verb to its end on each machine, and return the first exit code that is not 0."""
    host = load.host(checkout, host_name)
    screen = Screen(as_json=False)
    codes = [_act(host, machine, request, screen) for machine in host.setting.machines]
    return next((code for code in codes if code), 0)


def _act(host: Host, machine: Machine, request: Callable[[Channel], Request], screen: Screen) -> int:
    with closing(Channel(host, machine, require_app(host.app_setting.name, host.name))) as channel:
        attempt = MachineAttempt(host, channel, screen)
        attempt.start(request(channel))
        attempt.follow_to(End)
    end = attempt.end
    assert end is not None
    screen.say(f"{machine.name}: {end.outcome}" + (f": {end.reason}" if end.reason else ""))
    return end.exit
