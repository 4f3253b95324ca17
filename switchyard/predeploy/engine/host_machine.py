"""The machines of the host that predeploy checks for, and what each reports of itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from switchyard.control.channel import Channel, require_app
from switchyard.control.machines import at_once, channels_to
from switchyard.core.errors import NotChecked
from switchyard.core.wire.answers import ChecksAnswer
from switchyard.settings.model import Host


@dataclass(frozen=True)
class HostMachine:
    """One machine of the host."""

    channel: Channel
    answer: ChecksAnswer | NotChecked
    """Its answer to ``checks``, or why it gave none."""

    @property
    def name(self) -> str:
        return self.channel.machine.name


@contextlib.contextmanager
def connect(host: Host) -> Iterator[tuple[HostMachine, ...]]:
    """Connect to each machine of a host; to none where no host is named.

    A machine that cannot be reached raises nothing here. The checks that need it become unknown; the others run.
    """
    if not host.name:
        yield ()
        return
    with channels_to(host, require_app(host.app_setting.name, host.name)) as channels:
        yield tuple(at_once(_ask, channels))


def _ask(channel: Channel) -> HostMachine:
    try:
        return HostMachine(channel, channel.ask(channel.request("checks"), ChecksAnswer))
    except NotChecked as error:
        return HostMachine(channel, error)
