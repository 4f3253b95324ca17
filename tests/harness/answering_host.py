"""A host whose machines answer, or do not, without any connection."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest

from switchyard.core.errors import SwitchyardError
from switchyard.core.wire.message import Message
from switchyard.core.wire.request import Request
from switchyard.settings.model import AppSetting, Host, HostSetting, Machine
from tests.harness.told_channel import ToldChannel

A = TypeVar("A", bound=Message)


class AnsweringChannel(ToldChannel):
    """A channel to a machine that gives one answer, or raises."""

    def __init__(self, name: str, answer: Message | SwitchyardError) -> None:
        super().__init__(name)
        self.answer = answer
        self.requests: list[Request] = []

    def ask(self, request: Request, answer: type[A]) -> A:
        """Return the answer, of the type that the verb expects."""
        self.requests.append(request)
        if isinstance(self.answer, SwitchyardError):
            raise self.answer
        assert isinstance(self.answer, answer)
        return self.answer


def replace_host(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *channels: ToldChannel) -> Host:
    """Have a module of the control node find these machines behind every host name."""
    machines = [Machine(name=channel.machine.name, address="192.0.2.1") for channel in channels]
    by_name = {channel.machine.name: channel for channel in channels}
    host = Host("prod", HostSetting(machines=machines), Path(), AppSetting(name="web"))
    monkeypatch.setattr("switchyard.settings.load.host", lambda *_: host)
    monkeypatch.setattr(module, "Channel", lambda host, machine, app: by_name[machine.name])
    return host
