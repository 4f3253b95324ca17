"""``inv preview``: look at a colour before, or beside, what users get."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from switchyard.control import typed
from switchyard.control.act import act
from switchyard.control.channel import Channel, require_app
from switchyard.control.screen import Screen
from switchyard.control.tunnel import Tunnel
from switchyard.core import names
from switchyard.core.errors import OK, BadInput, NotChecked, SwitchyardError
from switchyard.core.wire.answers import Previews
from switchyard.settings import load
from switchyard.settings.model import Host

UNITS = {"s": 1, "m": 60, "h": 3600}
LONGEST = 24 * 3600
"""Seconds for which somebody may hold previews open at most."""
CHOICES = ("idle", "live", *names.COLOURS)
LOOK_EVERY = 1.0
"""Seconds between two looks whether the connection is still there."""


def seconds(text: str) -> int:
    """Return the seconds of a text such as ``15m``. Raise ``BadInput`` for any other."""
    form = re.fullmatch(r"([0-9]{1,6})([smh])", text.strip(), re.ASCII)
    duration = int(form[1]) * UNITS[form[2]] if form else 0
    if not 1 <= duration <= LONGEST:
        raise BadInput(f"preview: --within {text}: give a time from 1s to 24h, such as 90s, 15m or 2h")
    return duration


def preview(checkout: Path, host_name: str, *, colour: str, within: int) -> int:
    """Open a colour's previews on each machine of a host until Ctrl-C, or for so many seconds. Return the exit code."""
    if colour not in CHOICES:
        raise BadInput(f"preview: --colour {colour}: give {', '.join(CHOICES[:-1])} or {CHOICES[-1]}")
    host, screen = load.host(checkout, host_name), Screen(as_json=False)
    with ExitStack() as stack:
        channels = []
        for machine in host.setting.machines:
            channel = Channel(host, machine, require_app(host.app_setting.name, host.name))
            channels.append(stack.enter_context(closing(channel)))
        return _hold_open(host, channels, screen, colour, within)


def _hold_open(host: Host, channels: list[Channel], screen: Screen, colour: str, within: int) -> int:
    opened: list[tuple[Channel, Previews]] = []
    code, ends_at = OK, time.monotonic() + within
    try:
        with ExitStack() as stack:
            for channel in channels:
                request = replace(channel.request("preview"), colour=colour, seconds=within)
                code = act(host, channel, request, screen)
                typed.again()
                if code != OK:
                    break
                answer = channel.ask(replace(channel.request("previews"), colour=colour), Previews)
                opened.append((channel, answer))
                _forward(channel, answer, screen, stack)
            if code == OK:
                screen.say("Ctrl-C closes them")
                _wait(channels, ends_at)
    except KeyboardInterrupt:
        screen.say("closing the previews")
    except SwitchyardError as error:
        screen.say(str(error), "red")
        code = error.exit
    return next((each for each in (code, *(_close(host, *each, screen) for each in opened)) if each), OK)


def _forward(channel: Channel, answer: Previews, screen: Screen, stack: ExitStack) -> None:
    """Lead a port of this machine to each preview, and print it."""
    if not answer.each:
        raise NotChecked(f"{channel.machine.name}: the previews closed meanwhile. Run the command again")
    for each in answer.each:
        tunnel = Tunnel(channel.connection, channel.machine.name, "127.0.0.1", each.port, by_port=True)
        stack.callback(tunnel.close)
        scheme = "http://" if each.mode == "http" else ""
        screen.say(f"  {channel.machine.name}: {each.address} of {answer.colour}: {scheme}127.0.0.1:{tunnel.port}")


def _wait(channels: list[Channel], until: float) -> None:
    """Wait until a time of the monotonic clock. Raise ``NotChecked`` where a connection is lost before."""
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, LOOK_EVERY))
        for channel in channels:
            transport = channel.connection.transport
            if transport is None or not transport.is_active():
                raise NotChecked(f"{channel.machine.name}: the connection was lost")


def _close(host: Host, channel: Channel, answer: Previews, screen: Screen) -> int:
    """Close the previews of a machine. Where that fails, say when they close by themselves."""
    request = replace(channel.request("preview"), colour=answer.colour, seconds=0)
    try:
        code = act(host, channel, request, screen)
    except SwitchyardError as error:
        screen.say(str(error), "red")
        code = error.exit
    typed.again()
    if code != OK:
        moment = time.strftime("%H:%M:%S", time.gmtime(answer.until))
        screen.say(f"{channel.machine.name}: the previews of {answer.colour} close by themselves at {moment} UTC")
    return code
