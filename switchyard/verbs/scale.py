"""``inv scale``: set how many containers of a service run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from switchyard.control.act import act_on_host
from switchyard.control.channel import Channel
from switchyard.core.errors import BadInput
from switchyard.core.wire.request import Request


def scale(checkout: Path, host_name: str, *, service: str, count: int) -> int:
    """Set the number of a service's containers, now and in later releases. Return the exit code."""
    if not service:
        raise BadInput("scale: name the service with --service, and how many containers with --count")

    def request(channel: Channel) -> Request:
        return replace(channel.request("scale"), service=service, count=count)

    return act_on_host(checkout, host_name, request)
