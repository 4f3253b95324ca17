"""One acting verb on every machine of a host, one machine after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from switchyard.control import typed
from switchyard.control.attempts import interrupt
from switchyard.control.channel import Channel, require_app
from switchyard.control.machine_attempt import Ended, MachineAttempt
from switchyard.control.receipt import describe_live
from switchyard.control.screen import Screen
from switchyard.core.errors import FAILED, INTERRUPTED, OK, UNVERIFIED
from switchyard.core.wire.events import End, Hello
from switchyard.core.wire.request import Request
from switchyard.settings import load
from switchyard.settings.model import Host, Machine


def act_on_host(checkout: Path, host_name: str, request: Callable[[Channel], Request], sent: bytes = b"") -> int:
    """Run a verb to its end on each machine, and return the first exit code that is not 0.

    ``sent`` is what each of them receives once it holds its lease.
    """
    host = load.host(checkout, host_name)
    screen = Screen(as_json=False)
    codes = []
    for machine in host.setting.machines:
        codes.append(_act(host, machine, request, screen, sent))
        if codes[-1] == INTERRUPTED:
            break
    return next((code for code in codes if code), OK)


def _act(host: Host, machine: Machine, request: Callable[[Channel], Request], screen: Screen, sent: bytes) -> int:
    with closing(Channel(host, machine, require_app(host.app_setting.name, host.name))) as channel:
        code = act(host, channel, request(channel), screen, sent)
    typed.again()
    return code


def act(host: Host, channel: Channel, request: Request, screen: Screen, sent: bytes = b"") -> int:
    """Run a verb to its end on one machine, and show that. Return its exit code."""
    attempt, name = MachineAttempt(host, channel, screen), channel.machine.name
    try:
        attempt.start(request)
        if sent:
            attempt.follow_to(Hello)
            channel.send(sent)
        attempt.follow_to(End)
    except Ended:
        pass
    except KeyboardInterrupt:
        interrupt([attempt], screen)
    end = attempt.end
    assert end is not None
    screen.say(f"{name}: {end.outcome}" + (f": {end.reason}" if end.reason else ""))
    if end.exit in (FAILED, UNVERIFIED):
        screen.say(f"{name}: {describe_live(end)}", "bold")
    attempt.acknowledge()
    return end.exit
