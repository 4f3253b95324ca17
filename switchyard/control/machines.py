"""All machines of a host at once: a channel to each, and the same act on each of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from switchyard.control.channel import Channel
from switchyard.core.wire.answers import ChecksAnswer
from switchyard.settings.model import Host

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class MachineReport:
    """A machine that answered ``checks``: the state in which a deploy finds it."""

    channel: Channel
    answer: ChecksAnswer

    @property
    def name(self) -> str:
        return self.channel.machine.name


@contextlib.contextmanager
def channels_to(host: Host, app: str) -> Iterator[list[Channel]]:
    """Provide a channel to each machine, in the order of their names. A channel connects when it is used."""
    with contextlib.ExitStack() as closing:
        machines = sorted(host.setting.machines, key=lambda machine: machine.name)
        channels = [Channel(host, machine, app) for machine in machines]
        for channel in channels:
            closing.callback(channel.close)
        yield channels


@contextlib.contextmanager
def open_channels_to(host: Host, app: str) -> Iterator[list[Channel]]:
    """Provide connected channels. Raise ``NotChecked`` for a machine that does not answer."""
    with channels_to(host, app) as channels:
        for channel in channels:
            channel.open()
        yield channels


def report_of(channel: Channel) -> MachineReport:
    """Ask a machine for its state before a deploy."""
    return MachineReport(channel, channel.ask(channel.request("checks"), ChecksAnswer))


def at_once(act: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return the results in the order of the items. Each item has a thread of its own, and Ctrl-C waits for none."""
    futures = [in_background(act, item) for item in items]
    return [future.result() for future in futures]


def in_background(act: Callable[[T], R], item: T) -> Future[R]:
    """Start an act in a thread that does not outlive the process."""
    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(act(item))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
