"""``inv restart``: restart the live colour's containers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.control.act import act_on_host
from switchyard.control.channel import Channel
from switchyard.core.wire.request import Request


def restart(checkout: Path, host_name: str, *, service: str | None) -> int:
    """Restart one container after the other, of one service or of all. Return the exit code."""

    def request(channel: Channel) -> Request:
        return replace(channel.request("restart"), service=service)

    return act_on_host(checkout, host_name, request)
